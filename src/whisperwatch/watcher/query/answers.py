"""What engines answer: plain data, the same of every store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Series:
    """One group's numbers.

    Attributes:
        group: the attributes of `by` with their values as text; "" where the series has none.
        points: (T in unix seconds, value), ascending; times without an answer are left out.
        before: the same of the period compared with, at the times of `points` (not its own).
    """

    group: Mapping[str, str]
    points: tuple[tuple[int, float], ...]
    before: tuple[tuple[int, float], ...] | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A store that could not answer, or not in full.

    Attributes:
        store: `embedded`, `prometheus`, `loki` or `tempo`.
        what: a sentence for the operator, without secrets.
        since: unix seconds of the first failure of this row of failures.
    """

    store: str
    what: str
    since: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What every answer has.

    Attributes:
        notes: what was done to the question (clamped, rounded), in sentences.
        problems: what failed; the answer is what the others know.
    """

    notes: tuple[str, ...] = field(default=(), kw_only=True)
    problems: tuple[Problem, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class MetricAnswer(Answer):
    """Of a `MetricQuestion` or a `LogCount`: the groups with the largest newest values first.

    Attributes:
        unit: UCUM's, `1` of a ratio, `{…}/s` of a rate.
        start, end: what was looked at (unix seconds).
        step: seconds from point to point; 0 of an answer that has one.
    """

    series: tuple[Series, ...]
    unit: str
    start: int
    end: int
    step: int = 0


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record. `at` is wall ns; ids are hex, "" where there is none; `attributes` hold what has no field here."""

    at: int
    severity: int
    level: str
    """The severity's text as it was logged, such as `WARNING`."""
    component: str
    logger: str
    body: str
    trace_id: str = ""
    span_id: str = ""
    instance: str = ""
    event: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogAnswer(Answer):
    """Newest first. `more`: there are older ones that fit."""

    records: tuple[LogRecord, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A trace that was found. `start` is wall ns. `spans` is None where the store doesn't say."""

    trace_id: str
    root: str
    start: int
    duration_s: float
    error: bool
    spans: int | None = None
    instance: str = ""


@dataclass(frozen=True, slots=True)
class TraceList(Answer):
    """As asked: newest or slowest first. `more`: there may be others."""

    traces: tuple[TraceSummary, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event of a span. `at` is wall ns."""

    name: str
    at: int
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A link of a span."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One span. Times are wall ns; ids hex; `parent_id` is "" of a root; `kind` is OpenTelemetry's, in lower case;
    `status` is `unset`, `ok` or `error`."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    start: int
    end: int
    status: str = "unset"
    description: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()
    instance: str = ""


@dataclass(frozen=True, slots=True)
class Trace(Answer):
    """One trace whole, by start; no spans where there is no such trace."""

    spans: tuple[SpanRecord, ...]

    def tree(self) -> Iterator[tuple[SpanRecord, int]]:
        """Each span under its parent with its depth, by start; those whose parent is missing stand at the top."""
        known = {span.span_id for span in self.spans}
        children: dict[str, list[SpanRecord]] = {}
        for span in self.spans:
            children.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)
        stack = [(span, 0) for span in reversed(children.get("", []))]
        seen: set[str] = set()
        while stack:
            span, depth = stack.pop()
            if span.span_id in seen:
                continue
            seen.add(span.span_id)
            yield span, depth
            stack += [(child, depth + 1) for child in reversed(children.get(span.span_id, []))]


@dataclass(frozen=True, slots=True)
class Traces(Answer):
    """Several traces whole; of those asked for, the ones that there are."""

    traces: tuple[Trace, ...]
