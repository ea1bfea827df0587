from __future__ import annotations

import marshal
from enum import StrEnum
from typing import Any

from whisperwatch.bot.ship.waiting import Waiting


class Losses(dict[str, int]):
    def __call__(self, reason: str, spans: int) -> None:
        self[reason] = self.get(reason, 0) + spans


def spans(*numbers: int) -> list[tuple[Any, ...]]:
    return [(number, "x" * 100) for number in numbers]


def numbers(packed: bytes | None) -> list[int]:
    assert packed is not None
    return [span[0] for span in marshal.loads(packed)]


def test_chunks_leave_in_their_order() -> None:
    waiting = Waiting(10_000, Losses())
    waiting.add(spans(1, 2))
    waiting.add(spans(3))
    assert [numbers(waiting.next(1)), numbers(waiting.next(2)), waiting.next(3)] == [[1, 2], [3], None]


def test_acknowledged_ones_are_forgotten() -> None:
    waiting = Waiting(10_000, Losses())
    for number in (1, 2, 3):
        waiting.add(spans(number))
        waiting.next(number)
    waiting.acknowledged(2, 0)
    assert waiting.unacknowledged == 1
    waiting.acknowledged(3, 3)
    assert (waiting.unacknowledged, waiting.size, len(waiting)) == (0, 0, 0)


def test_the_unacknowledged_go_first_on_the_next_connection() -> None:
    losses = Losses()
    waiting = Waiting(10_000, losses)
    for number in (1, 2, 3):
        waiting.add(spans(number))
    waiting.next(1)
    waiting.next(2)
    waiting.acknowledged(1, 1)
    waiting.disconnected()
    assert [numbers(waiting.next(1)), numbers(waiting.next(2))] == [[2], [3]]
    assert losses == {}


def test_up_to_a_mark_it_has_chunks_until_they_are_acknowledged_or_dropped() -> None:
    waiting = Waiting(10_000, Losses())
    assert not waiting.has(waiting.made)
    waiting.add(spans(1))
    waiting.add(spans(2))
    mark = waiting.made
    waiting.add(spans(3))
    assert waiting.has(mark)
    for seq in (1, 2, 3):
        waiting.next(seq)
    waiting.acknowledged(1, 1)
    assert waiting.has(mark), "the second"
    waiting.disconnected()
    assert waiting.has(mark), "it has to be sent again"
    assert numbers(waiting.next(1)) == [2]
    waiting.acknowledged(1, 1)
    assert not waiting.has(mark), "whatever came later"
    assert waiting.has(waiting.made)
    waiting.clear("refused")
    assert not waiting.has(waiting.made)


def test_what_a_watcher_had_and_did_not_pass_on_dies_with_it() -> None:
    losses = Losses()
    waiting = Waiting(10_000, losses)
    waiting.add(spans(1, 2, 3))
    waiting.next(1)
    waiting.acknowledged(1, 1)
    waiting.disconnected()
    assert losses == {"watcher_died": 2}
    waiting.disconnected()
    assert losses == {"watcher_died": 2}


def test_an_orderly_end_loses_nothing() -> None:
    losses = Losses()
    waiting = Waiting(10_000, losses)
    waiting.add(spans(1, 2, 3))
    waiting.next(1)
    waiting.acknowledged(1, 0)
    waiting.disconnected(orderly=True)
    assert losses == {}


def test_over_the_limit_the_oldest_are_dropped_and_counted() -> None:
    losses = Losses()
    waiting = Waiting(1000, losses)
    for number in range(100):
        waiting.add(spans(number))
    assert waiting.size <= 1000
    left = [numbers(waiting.next(seq))[0] for seq in range(len(waiting))]
    assert left == list(range(100 - len(left), 100))
    assert losses == {"tape_full": 100 - len(left)}


def test_what_is_under_way_is_not_dropped() -> None:
    losses = Losses()
    waiting = Waiting(1000, losses)
    waiting.add(spans(0))
    waiting.next(1)
    for number in range(1, 100):
        waiting.add(spans(number))
    waiting.disconnected()
    assert numbers(waiting.next(1)) == [0]


def test_clearing_counts_what_was_there() -> None:
    losses = Losses()
    waiting = Waiting(10_000, losses)
    waiting.add(spans(1, 2))
    waiting.add(spans(3))
    waiting.next(1)
    waiting.clear("refused")
    assert losses == {"refused": 3}
    assert (len(waiting), waiting.size, waiting.unacknowledged) == (0, 0, 0)


def test_values_that_marshal_does_not_know_are_made_plain() -> None:
    class Colour(StrEnum):
        RED = "red"

    waiting = Waiting(10_000, Losses())
    waiting.add([(1, {Colour.RED: Colour.RED, "object": object})])
    packed = waiting.next(1)
    assert packed is not None
    assert marshal.loads(packed) == [(1, {"red": "red", "object": "<class 'object'>"})]
