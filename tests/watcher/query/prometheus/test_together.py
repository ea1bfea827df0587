"""Expressions that go in one request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from whisperwatch.watcher.query.engines import EngineError, RefusedError
from whisperwatch.watcher.query.prometheus.together import Rows, Together

NOW, THEN = 600, 300


class Sender:
    """Answers each part with its own expression; `refused` if it is in what is asked."""

    def __init__(self, *refused: str, warnings: Sequence[str] = ()) -> None:
        self.refused, self.warnings = refused, warnings
        self.sent: list[tuple[str, int]] = []

    async def __call__(self, query: str, at: int) -> Rows:
        self.sent.append((query, at))
        for one in self.refused:
            if one in query:
                raise RefusedError(f"{one} is too much")
        parts = query.split(" or ")
        return Rows([self._row(part) for part in reversed(parts)], self.warnings)

    def _row(self, part: str) -> dict[str, Any]:
        if not part.startswith("label_replace"):
            return {"metric": {}, "values": part}
        expression, label, value, *_ = part.removeprefix("label_replace(").split(", ")
        return {"metric": {label.strip('"'): value.strip('"')}, "values": expression}


async def asked(together: Together, *expressions: str, at: int = NOW) -> list[Any]:
    answers = await asyncio.gather(*[together.ask(one, at) for one in expressions], return_exceptions=True)
    return [[row["values"] for row in one.series] if isinstance(one, Rows) else str(one) for one in answers]


async def test_one_alone_is_asked_as_it_is() -> None:
    sender = Sender()
    assert await asked(Together(sender), "sum(a)") == [["sum(a)"]]
    assert sender.sent == [("sum(a)", NOW)]


async def test_each_has_its_own_answer() -> None:
    sender = Sender(warnings=["a store is down"])
    together = Together(sender)
    expressions = [f"sum(a{number})" for number in range(9)]
    assert await asked(together, *expressions) == [[one] for one in expressions]
    assert len(sender.sent) == 1
    assert (await together.ask("sum(a)", NOW)).warnings == ["a store is down"]


async def test_only_what_is_asked_of_the_same_moment() -> None:
    sender = Sender()
    together = Together(sender)
    found = await asyncio.gather(asked(together, "a", "b"), asked(together, "c", "d", at=THEN))
    assert found == [[["a"], ["b"]], [["c"], ["d"]]]
    assert sorted(at for _, at in sender.sent) == [THEN, NOW]


async def test_not_too_many() -> None:
    sender = Sender()
    expressions = [f"sum(a{number})" for number in range(30)]
    assert await asked(Together(sender), *expressions) == [[one] for one in expressions]
    assert [query.count("label_replace") for query, _ in sender.sent] == [12, 12, 6]


async def test_one_that_is_refused_takes_no_other_with_it() -> None:
    sender = Sender("huge")
    found = await asked(Together(sender), "a", "huge", "b")
    assert found == [["a"], "huge is too much", ["b"]]
    assert len(sender.sent) == 4


async def test_a_store_that_is_away_is_asked_once() -> None:
    many = 0

    async def away(query: str, at: int) -> Rows:
        nonlocal many
        many += 1
        raise EngineError("can't be reached")

    assert await asked(Together(away), "a", "b") == ["can't be reached"] * 2
    assert many == 1


async def test_rubbish() -> None:
    async def rubbish(query: str, at: int) -> Rows:
        return Rows([{"metric": {"le": "1"}, "values": []}], ())

    assert await asked(Together(rubbish), "a", "b") == ["'whisperwatch_part'"] * 2


async def test_nothing_is_asked_any_more_when_nobody_waits() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow(query: str, at: int) -> Rows:
        begun.set()
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    together = Together(slow)
    first, second = [asyncio.ensure_future(together.ask(one, NOW)) for one in "ab"]
    await begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert not ended.is_set()
    second.cancel()
    await ended.wait()


async def test_who_gives_up_takes_nothing_from_the_others() -> None:
    sender = Sender()
    together = Together(sender)
    first, second = [asyncio.ensure_future(together.ask(one, NOW)) for one in "ab"]
    await asyncio.sleep(0)
    first.cancel()
    assert [row["values"] for row in (await second).series] == ["b"]


async def test_nothing_is_left_of_those_who_give_up_at_once() -> None:
    sender = Sender()
    together = Together(sender)
    for at in range(100):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await together.ask("sum(a)", at)
    assert not together._open
    assert not sender.sent
    assert await asked(together, "sum(b)", at=99) == [["sum(b)"]]
