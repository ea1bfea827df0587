"""The one place where questions are answered: by whichever store knows, the same whichever that is.

Stores answer measures; ratios, the top and comparisons are made here, of what they answered. A store that fails, or is
too slow, takes nothing from the others: the answer is what they know, and says what is missing and since when.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from whisperwatch.watcher.query.answers import (
    Answer,
    LogAnswer,
    MetricAnswer,
    Problem,
    Series,
    Trace,
    TraceList,
    Traces,
)
from whisperwatch.watcher.query.catalogue import DECLARED, Known
from whisperwatch.watcher.query.engines import EngineError, Incomplete, LogEngine, MetricEngine, TraceEngine
from whisperwatch.watcher.query.language import (
    Expression,
    LogCount,
    LogQuestion,
    MetricQuestion,
    Question,
    QuestionError,
    TraceQuestion,
    TraceSearch,
)
from whisperwatch.watcher.query.language.checking import check_filter, measures_of
from whisperwatch.watcher.query.planning import Met, Need, Plan, by_data, told
from whisperwatch.watcher.query.resolving import Kept, grid, span

T = TypeVar("T")
TIMEOUT_S: Final = 15.0
_until: ContextVar[float] = ContextVar("until", default=math.inf)
"""Monotonic seconds at which no store is waited for any longer."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Who answers about what; None where nobody does."""

    metrics: MetricEngine | None = None
    logs: LogEngine | None = None
    traces: TraceEngine | None = None


class Asking:
    """Answers questions.

    Args:
        engines: who is asked.
        kept: how long what is kept; asked anew each time.
        known: the metrics that there are beside the declared ones.
        now: unix seconds.
        timeout_s: how long a store may take; it has a shorter patience of its own, as a rule.
    """

    def __init__(
        self,
        engines: Engines,
        kept: Callable[[], Kept] = Kept,
        known: Callable[[], Awaitable[Sequence[Known]]] | None = None,
        now: Callable[[], float] = time.time,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._engines, self._kept, self._known, self._now = engines, kept, known, now
        self._timeout_s = timeout_s
        self._failing: dict[str, float] = {}

    @property
    def metrics_store(self) -> str:
        """Who answers about metrics; empty where nobody does."""
        return self._engines.metrics.name if self._engines.metrics is not None else ""

    @property
    def logs_store(self) -> str:
        """Who answers about logs; empty where nobody does."""
        return self._engines.logs.name if self._engines.logs is not None else ""

    @property
    def traces_store(self) -> str:
        """Who answers about traces; empty where nobody does."""
        return self._engines.traces.name if self._engines.traces is not None else ""

    @property
    def kept(self) -> Kept:
        """How long what is kept."""
        return self._kept()

    def now(self) -> float:
        """Unix seconds."""
        return self._now()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """All that is asked in this block has the time of one question: a report asks again for what it has learnt, and
        who waits for it would wait for each."""
        token = _until.set(time.monotonic() + self._timeout_s)
        try:
            yield
        finally:
            _until.reset(token)

    async def ask(self, question: Question) -> Answer:
        """The answer to any question.

        Raises:
            QuestionError: it makes no sense; or nobody can be asked about that.
        """
        match question:
            case MetricQuestion():
                return await self.metrics(question)
            case LogQuestion():
                return await self.logs(question)
            case LogCount():
                return await self.count(question)
            case TraceSearch():
                return await self.search(question)
            case TraceQuestion():
                return await self.trace(question)

    async def metrics(self, question: MetricQuestion) -> MetricAnswer:
        """See `ask`."""
        return (await self.several([question]))[0]

    async def several(self, questions: Sequence[MetricQuestion]) -> Sequence[MetricAnswer]:
        """The answers to questions at one moment, in their order. What several of them need is asked for once.

        Raises:
            QuestionError: one of them makes no sense; or nobody can be asked about metrics.
        """
        engine = _there(self._engines.metrics, "metrics")
        now, kept = self._now(), self._kept()
        plans = [
            Plan(question, await self._metrics(question.expression), now, kept) for question in questions
        ]
        asked = by_data(need for plan in plans for need in plan.needs)
        met: dict[Need, Met] = {}
        for answers in await asyncio.gather(*[self._meet(engine, needs) for needs in asked]):
            met |= answers
        return [plan.answer(met) for plan in plans]

    async def _meet(self, engine: MetricEngine, needs: Sequence[Need]) -> dict[Need, Met]:
        """Needs that are made of the same data."""
        problems: list[Problem] = []
        found = await self._try(engine.name, _measured(engine, needs), problems)
        series: Sequence[Sequence[Series]] = found or [()] * len(needs)
        return {need: Met(one, tuple(problems)) for need, one in zip(needs, series, strict=True)}

    async def logs(self, question: LogQuestion) -> LogAnswer:
        """See `ask`."""
        check_filter(question.filter)
        engine = _there(self._engines.logs, "logs")
        asked = span(question.period, self._now(), self._kept().logs_like(question.filter), "logs")
        problems: list[Problem] = []
        found = await self._try(
            engine.name,
            engine.logs(question.filter, asked.start, asked.end, question.most, question.before),
            problems,
        )
        return _completed(found or LogAnswer(()), asked.notes, problems)

    async def count(self, question: LogCount) -> MetricAnswer:
        """See `ask`."""
        check_filter(question.filter)
        engine = _there(self._engines.logs, "logs")
        kept = self._kept()
        kept_s = kept.logs_like(question.filter)
        # logs have their own time each: slots are as fine as anybody asks
        counted, notes = grid(
            question.period,
            self._now(),
            replace(kept, raw_s=kept_s, fine_s=kept_s, metrics_s=kept_s),
        )
        problems: list[Problem] = []
        found = await self._try(engine.name, engine.count(question.filter, question.by, counted), problems)
        return told(found or (), "{record}", counted, notes, problems)

    async def search(self, question: TraceSearch) -> TraceList:
        """See `ask`."""
        engine = _there(self._engines.traces, "traces")
        asked = span(question.period, self._now(), self._kept().traces_s, "traces")
        problems: list[Problem] = []
        found = await self._try(engine.name, engine.search(question, asked.start, asked.end), problems)
        return _completed(found or TraceList(()), asked.notes, problems)

    async def trace(self, question: TraceQuestion) -> Trace:
        """See `ask`."""
        engine = _there(self._engines.traces, "traces")
        problems: list[Problem] = []
        found = await self._try(engine.name, engine.trace(question.trace_id), problems)
        return _completed(found or Trace(()), (), problems)

    async def traces(self, trace_ids: Sequence[str]) -> Traces:
        """Several traces whole, those that there are.

        Raises:
            QuestionError: nobody can be asked about traces.
        """
        engine = _there(self._engines.traces, "traces")
        problems: list[Problem] = []
        found = await self._try(engine.name, engine.traces(trace_ids), problems)
        return _completed(found or Traces(()), (), problems)

    async def _metrics(self, expression: Expression) -> Mapping[str, Known]:
        """The metrics that there are; a store is asked for those of others only where one is meant."""
        if self._known is None or all(one.metric in DECLARED for one in measures_of(expression)):
            return DECLARED
        try:
            return {**{one.name: one for one in await self._known()}, **DECLARED}
        except EngineError:
            return DECLARED

    async def _try(self, store: str, work: Awaitable[T], problems: list[Problem]) -> T | None:
        """What `work` answers; None where it can't, which `problems` then has."""
        try:
            async with asyncio.timeout(min(self._timeout_s, max(0.0, _until.get() - time.monotonic()))):
                found = await work
        except EngineError as error:
            problems.append(self._problem(store, str(error)))
        except TimeoutError:
            problems.append(self._problem(store, f"{store} took longer than {self._timeout_s:g} s to answer"))
        else:
            if (why := _incomplete(found)) is not None:
                problems.append(self._problem(store, why))
            else:
                self._failing.pop(store, None)
            return found
        return None

    def _problem(self, store: str, what: str) -> Problem:
        return Problem(store, what, self._failing.setdefault(store, self._now()))


async def _measured(engine: MetricEngine, needs: Sequence[Need]) -> Sequence[Sequence[Series]]:
    first = needs[0]
    shares = [need.measure.quantile for need in needs if need.measure.quantile is not None]
    if shares:
        return await engine.quantiles(first.measure, shares, first.metric, first.grid)
    return [await engine.measure(first.measure, first.metric, first.grid)]


def _incomplete(found: Any) -> str | None:
    """Why a store says that there may be more."""
    parts = [found, *found] if isinstance(found, list) else [found]
    return next((one.why for one in parts if isinstance(one, Incomplete)), None)


def _there(engine: T | None, what: str) -> T:
    if engine is None:
        raise QuestionError(f"nobody keeps {what} here: the embedded store is off, and no other is set")
    return engine


A = TypeVar("A", LogAnswer, TraceList, Trace, Traces)


def _completed(answer: A, notes: tuple[str, ...], problems: list[Problem]) -> A:
    changed: Any = replace(answer, notes=(*notes, *answer.notes), problems=(*answer.problems, *problems))
    return changed  # type: ignore[no-any-return]
