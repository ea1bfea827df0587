"""For what of a trace its root's end had to wait: the critical path.

Spans that ran beside each other can't all be made faster to any effect, so durations alone mislead. Each moment of the
root's time is given to one span: from the root downwards to the child that was running then and ended last of all, and
where no child was running, to the span itself. So the parts of a trace add up to its root's duration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.query.answers import SpanRecord

_NS: Final = 1e9


@dataclass(frozen=True, slots=True)
class Step:
    """A span, and for how many seconds of the root's duration its own work was waited for."""

    span: SpanRecord
    seconds: float


def root_of(spans: Iterable[SpanRecord]) -> SpanRecord | None:
    """The first span that has no parent; None where that is missing."""
    return min((span for span in spans if not span.parent_id), key=lambda span: span.start, default=None)


def critical_path(spans: Sequence[SpanRecord]) -> tuple[Step, ...]:
    """The spans of one trace that were waited for, by start; their seconds add up to the root's duration.

    A child counts within its parent's time only, also where clocks or late work put it outside. Spans whose parent is
    missing stand under the root; without a root there is no duration to tell the parts of, and so no step.
    """
    root = root_of(spans)
    if root is None:
        return ()
    children = _children(spans, root)
    steps: list[Step] = []
    waiting = [(root, root.start, root.end)]
    while waiting:
        span, start, end = waiting.pop()
        own, at = 0, end
        for child in children.get(span.span_id, ()):
            begins, ends = max(child.start, start), min(child.end, at)
            if begins < ends:
                own += at - ends
                at = begins
                waiting.append((child, begins, ends))
        own += max(at - start, 0)
        if own:
            steps.append(Step(span, own / _NS))
    return tuple(sorted(steps, key=lambda step: (step.span.start, step.span.parent_id != "")))


def _children(spans: Iterable[SpanRecord], root: SpanRecord) -> Mapping[str, list[SpanRecord]]:
    """By a span's id what is below it, what ended last first."""
    known = {root.span_id: root}
    for span in spans:
        known.setdefault(span.span_id, span)
    children: dict[str, list[SpanRecord]] = {}
    for span in known.values():
        if span is not root:
            above = span.parent_id if span.parent_id in known else root.span_id
            children.setdefault(above, []).append(span)
    for below in children.values():
        below.sort(key=lambda span: (-span.end, span.start, span.span_id))
    return children
