"""What is asked of traces: those that fit, or one whole."""

from __future__ import annotations

from dataclasses import dataclass

from whisperwatch.watcher.query.language.measures import Match
from whisperwatch.watcher.query.language.periods import Period


@dataclass(frozen=True, slots=True)
class TraceSearch:
    """The newest `most` traces that fit, or the slowest.

    Attributes:
        roots: the name of the root span is exactly one of these; none: any name.
        longer_s, shorter_s: the trace lasted at least, at most so long (seconds).
        error: some span of it failed, or none did.
        where: some span of it has these attributes, all of them.
        instance: a `service.instance.id`.
    """

    period: Period
    roots: tuple[str, ...] = ()
    longer_s: float | None = None
    shorter_s: float | None = None
    error: bool | None = None
    where: tuple[Match, ...] = ()
    instance: str | None = None
    most: int = 20
    slowest: bool = False


@dataclass(frozen=True, slots=True)
class TraceQuestion:
    """One trace whole. `trace_id`: 32 hex digits, lower case."""

    trace_id: str
