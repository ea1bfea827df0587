"""What a store must be able to answer, so that everything else can be made of it.

Engines answer measures, not expressions: ratios, the top, comparisons are made of their answers in one place
(`asking`), so that no two stores can differ in them. An engine's calls are cancelled when nobody waits any more, and
end within its own timeout.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from whisperwatch.watcher.query.answers import LogAnswer, Series, Trace, TraceList, Traces
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.language import Grid, LogFilter, Measure, TraceSearch
from whisperwatch.watcher.query.language.logs import LogKey


class EngineError(Exception):
    """A store could not answer; the message is a sentence for the operator, without secrets."""


class RefusedError(EngineError):
    """It could, but doesn't answer this question."""


class Incomplete(list[Series]):
    """What a store knows where it says itself that there may be more; `why` is a sentence."""

    def __init__(self, series: Iterable[Series], why: str) -> None:
        super().__init__(series)
        self.why = why


class MetricEngine(Protocol):
    """Answers measures. `name` is the store's, as `Problem.store` has it."""

    name: str

    async def measure(self, measure: Measure, metric: Known, grid: Grid) -> Sequence[Series]:
        """One series a group that has any point; `measure` was checked against `metric`. May be `Incomplete`.

        Raises:
            EngineError: it can't.
        """

    async def quantiles(
        self, measure: Measure, shares: Sequence[float], metric: Known, grid: Grid
    ) -> Sequence[Sequence[Series]]:
        """The same of several quantiles of one histogram, for little more than one of them costs; in their order. Each
        may be `Incomplete`.

        Args:
            measure: a quantile; which one doesn't count.

        Raises:
            EngineError: it can't.
        """


class LogEngine(Protocol):
    """Answers about logs."""

    name: str

    async def logs(
        self, filter: LogFilter, start: float, end: float, most: int, before: int | None
    ) -> LogAnswer:
        """The newest `most` of (start, end] that fit and, where `before` (wall ns) is given, are older.

        Raises:
            EngineError: it can't.
        """

    async def count(self, filter: LogFilter, by: tuple[LogKey, ...], grid: Grid) -> Sequence[Series]:
        """How many fit, of each group and window; groups are named by their `LogKey`.

        Raises:
            EngineError: it can't.
        """


class TraceEngine(Protocol):
    """Answers about traces."""

    name: str

    async def search(self, search: TraceSearch, start: float, end: float) -> TraceList:
        """Traces that began in (start, end] and fit.

        Raises:
            EngineError: it can't.
        """

    async def trace(self, trace_id: str) -> Trace:
        """All spans of a trace; none where there is no such trace.

        Raises:
            EngineError: it can't.
        """

    async def traces(self, trace_ids: Sequence[str]) -> Traces:
        """Several traces whole, in the order of their ids, those that there are: for less than one after another.

        Raises:
            EngineError: it can't.
        """
