"""Expressions that are asked at once, of the same moment, as one: a request takes longer than most of their answers.

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
        send: makes one request, of an expression at a moment.
    """

    def __init__(self, send: Callable[[str, int], Awaitable[Rows]]) -> None:
        self._send = send
        self._open: dict[int, _Batch] = {}

    async def ask(self, expression: str, at: int) -> Rows:
        """What an aggregation says at a moment, in unix seconds.

        Raises:
            EngineError: it says nothing.
        """
        batch = self._open.get(at)
        if batch is None or not batch.answers.good or len(batch.expressions) == _MOST:
            expressions: list[str] = []
            batch = self._open[at] = _Batch(expressions, Shared(self._answers(expressions, at)))
        number = len(batch.expressions)
        batch.expressions.append(expression)
        try:
            answer = (await batch.answers.wait())[number]
        finally:
            if not batch.answers.good:
                self._close(batch.expressions, at)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _close(self, expressions: list[str], at: int) -> None:
        batch = self._open.get(at)
        if batch is not None and batch.expressions is expressions:
            del self._open[at]

    async def _answers(self, expressions: list[str], at: int) -> Sequence[Rows | BaseException]:
        await asyncio.sleep(_WAIT_S)
        self._close(expressions, at)
        if len(expressions) == 1:
            return [await self._send(expressions[0], at)]
        try:
            return _parted(await self._send(_joined(expressions), at), len(expressions))
        except RefusedError:
            alone = [self._send(one, at) for one in expressions]
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
