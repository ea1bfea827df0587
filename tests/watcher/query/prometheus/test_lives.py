"""Which processes ended, by samples of when they were started."""

from __future__ import annotations

import promql_parser
import pytest

from whisperwatch.watcher.query.language import Match
from whisperwatch.watcher.query.prometheus.lives import (
    End,
    Process,
    Sample,
    Span,
    ends,
    joined,
    piece_s,
    restless,
    starts,
)

ONE, TWO = ("job", "one"), ("job", "two")
RUN = Span(7200, 10_800)
HOUR_MS, MINUTE_MS = 3_600_000, 60_000


def told(start: float, since: int, until: int, every: int = 5) -> list[Sample]:
    """Samples of a process, minutes after the run's start."""
    return [(2 * HOUR_MS + minute * MINUTE_MS, start) for minute in range(since, until + 1, every)]


def of(samples: dict[Process, list[Sample]], *runs: Span) -> list[tuple[str, float, float]]:
    """Instance, minutes after the run's start, and how many minutes it is looked back."""
    found = ends(samples, runs or (RUN,))
    return [(end.process[1], (end.at + 1) / MINUTE_MS - 120, end.over / MINUTE_MS) for end in found]


def test_one_is_replaced() -> None:
    assert of({ONE: told(1, -15, 20) + told(1201, 25, 60)}) == [("one", 25, 30)]
    assert ends({ONE: told(1, -15, 20) + told(1201, 25, 60)}, [RUN])[0] == End(
        ONE, 2 * HOUR_MS + 20 * MINUTE_MS, 2 * HOUR_MS + 25 * MINUTE_MS - 1, 30 * MINUTE_MS
    )


def test_one_is_replaced_after_a_while() -> None:
    assert of({ONE: told(1, -15, 10) + told(3000, 50, 60)}) == [("one", 25, 30)]


def test_one_goes_and_one_comes() -> None:
    assert of({ONE: told(1, -15, 10), TWO: told(500, 15, 60)}) == [("one", 25, 30)]


def test_one_is_silent_and_goes_on() -> None:
    assert of({ONE: told(1, -15, 0) + told(1, 40, 60)}) == []


def test_the_clock_was_set_meanwhile() -> None:
    assert of({ONE: told(1, -15, 20) + told(2, 25, 60)}) == []


def test_a_short_life() -> None:
    """It is looked at no earlier than its own first sample: what was there before is another's."""
    found = of({ONE: told(1, -15, 10) + told(700, 15, 15) + told(1200, 20, 60)})
    assert found == [("one", 15, 30), ("one", 20, 5)]


def test_silence_over_two_runs() -> None:
    """It goes in one and comes back in another."""
    samples = {ONE: told(1, -15, 10) + told(1, 130, 180)}
    assert of(samples, RUN, Span(14_400, 18_000)) == []
    assert of({ONE: told(1, -15, 10)}, RUN, Span(14_400, 18_000)) == [("one", 25, 30)]


def test_what_ends_before_is_not_of_the_run() -> None:
    assert of({ONE: told(1, -15, -14, 1)}) == [("one", 1, 16)]
    assert of({ONE: told(1, -15, -15)}) == []


def test_what_is_there_until_just_now_may_go_on() -> None:
    assert of({ONE: told(1, -15, 45)}) == [("one", 60, 30)]
    assert of({ONE: told(1, -15, 46, 1)}) == []


@pytest.mark.parametrize(
    ("window", "piece"), [(3600, 3600), (86_400, 3600), (7 * 86_400, 7200), (30 * 86_400, 21_600)]
)
def test_pieces_are_few(window: int, piece: int) -> None:
    assert piece_s(Span(0, window)) == piece


def test_pieces_are_joined() -> None:
    assert joined([Span(0, 1), Span(1, 2), Span(3, 4)]) == [Span(0, 2), Span(3, 4)]


def test_what_is_asked() -> None:
    selector = starts([Match("service.instance.id", ("a", "b")), Match("x", ("y",))], 'job="bot"')
    assert selector == 'bot_start_time_seconds{job="bot", instance=~"a|b"}'
    promql_parser.parse(restless(selector, 7200))
