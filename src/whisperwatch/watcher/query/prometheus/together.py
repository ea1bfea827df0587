"""Expressions that are asked at once, of the same times, as one: a request takes longer than most of the answers.

Each is given a label that tells its series from the others'. Where the store refuses one that is made of several, each
is asked alone, so that none fails for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from whisperwatch.watcher.query.engines import RefusedError
from whisperwatch.watcher.query.shared import Shared

_WAIT_S: Final = 0.002
"""How long the first of them waits for others."""
_MOST: Final = 12
_LABEL: Final = "whisperwatch_part"


class Times(NamedTuple):
    """Unix seconds; `step` in seconds."""

    first: int
    last: int
    step: int


class Rows(NamedTuple):
    """Series as the API tells them: each with its labels as `metric`, and `values`."""

    series: Sequence[Mapping[str, Any]]
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Batch:
    expressions: list[str]
    answers: Shared[Sequence[Rows | BaseException]]


class Together:
    """Asks expressions.

    Args:
        send: makes one request.
    """

    def __init__(self, send: Callable[[str, Times], Awaitable[Rows]]) -> None:
        self._send = send
        self._open: dict[Times, _Batch] = {}

    async def ask(self, expression: str, times: Times) -> Rows:
        """What an aggregation says at some times.

        Raises:
            EngineError: it says nothing.
        """
        batch = self._open.get(times)
        if batch is None or not batch.answers.good or len(batch.expressions) == _MOST:
            expressions: list[str] = []
            batch = self._open[times] = _Batch(expressions, Shared(self._answers(expressions, times)))
        number = len(batch.expressions)
        batch.expressions.append(expression)
        answer = (await batch.answers.wait())[number]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def _answers(self, expressions: list[str], times: Times) -> Sequence[Rows | BaseException]:
        await asyncio.sleep(_WAIT_S)
        if self._open[times].expressions is expressions:
            del self._open[times]
        if len(expressions) == 1:
            return [await self._send(expressions[0], times)]
        try:
            return _parted(await self._send(_joined(expressions), times), len(expressions))
        except RefusedError:
            alone = [self._send(one, times) for one in expressions]
            answers: list[Rows | BaseException] = await asyncio.gather(*alone, return_exceptions=True)
            return answers


def _joined(expressions: Sequence[str]) -> str:
    return " or ".join(
        f'label_replace({expression}, "{_LABEL}", "{number}", "job", ".*")'
        for number, expression in enumerate(expressions)
    )


def _parted(told: Rows, many: int) -> list[Rows]:
    parts: list[list[Mapping[str, Any]]] = [[] for _ in range(many)]
    for series in told.series:
        parts[int(series["metric"][_LABEL])].append(series)
    return [Rows(part, told.warnings) for part in parts]
