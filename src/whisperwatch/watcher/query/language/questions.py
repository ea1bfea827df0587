"""A whole question."""

from __future__ import annotations

from dataclasses import dataclass

from whisperwatch.watcher.query.language.logs import LogCount, LogQuestion
from whisperwatch.watcher.query.language.measures import Expression
from whisperwatch.watcher.query.language.periods import Period
from whisperwatch.watcher.query.language.traces import TraceQuestion, TraceSearch


@dataclass(frozen=True, slots=True)
class MetricQuestion:
    """An expression over a period. `compared_s`: the same so much earlier comes beside it; of 0, of the period just
    before."""

    expression: Expression
    period: Period
    compared_s: float | None = None


Question = MetricQuestion | LogQuestion | LogCount | TraceSearch | TraceQuestion
