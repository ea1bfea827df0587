"""From a question's period to the times at which it is answered, as fine as what is kept allows.

Times are rounded up: what was recorded a second ago is in the answer. What had to be changed is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from whisperwatch.semconv import EVENT_ERROR
from whisperwatch.watcher.query.language import Grid, LogFilter, Period, QuestionError
from whisperwatch.watcher.query.language.printing import seconds

SLOT_S: Final = 15
FINE_S: Final = 300
HOUR_S: Final = 3600
MOST_POINTS: Final = 11_000
_LONG_S: Final = 2 * 86_400


@dataclass(frozen=True, slots=True)
class Kept:
    """How long (seconds) metrics are kept by 15 s, by 5 minutes, by the hour; logs; traces, and every single one of
    them, before only the slow and the failed stay; log records that are errors."""

    raw_s: float = 6 * 3600.0
    fine_s: float = 30 * 86_400.0
    metrics_s: float = 30 * 86_400.0
    logs_s: float = 7 * 86_400.0
    traces_s: float = 30 * 86_400.0
    every_trace_s: float = 86_400.0
    errors_s: float = 0.0

    def logs_like(self, filter: LogFilter) -> float:
        """How long log records are kept of which only those that fit are meant."""
        errors = filter.level in ("error", "critical") or filter.event == EVENT_ERROR
        return max(self.logs_s, self.errors_s) if errors else self.logs_s


@dataclass(frozen=True, slots=True)
class Span:
    """(start, end] in unix seconds, and what was changed to get there."""

    start: float
    end: float
    notes: tuple[str, ...]


def span(period: Period, now: float, kept_s: float, what: str) -> Span:
    """The time that a period means, no longer ago than `what` is kept.

    Raises:
        QuestionError: it means none.
    """
    if not period.over_s > 0:
        raise QuestionError("a question looks back over more than nothing")
    notes = []
    end = now if period.until is None else period.until
    if end > now:
        notes.append("the end lies in the future: it was asked until now")
        end = now
    start = end - period.over_s
    oldest = now - kept_s
    if end <= oldest:
        raise QuestionError(
            f"{what} are kept for {seconds(kept_s)}: nothing is left of the time before {_date(oldest)}"
        )
    if start < oldest:
        notes.append(f"{what} are kept for {seconds(kept_s)}: it was asked from {_date(oldest)} on")
        start = oldest
    return Span(start, end, tuple(notes))


def grid(period: Period, now: float, kept: Kept, *, newest: bool = False) -> tuple[Grid, tuple[str, ...]]:
    """The times at which a measure is evaluated, and what was changed.

    Args:
        newest: it asks for the newest sample, of which there is none in the future.

    Raises:
        QuestionError: the period means no time.
    """
    found = span(period, now, kept.metrics_s, "metrics")
    notes = list(found.notes)
    over = found.end - found.start
    step = period.every_s
    window = period.window_s or step
    size = _size(now - found.start + (window or 0), step, over, kept)
    if step is None or window is None:
        if newest and now - found.end <= kept.raw_s:
            size = SLOT_S
        width = _up(over, size)
        last = _down(found.end, size) if newest and size > SLOT_S else _up(found.end, size)
        return Grid(last, last, width, width), tuple(notes)
    wide = max(_up(step, size), size)
    if over / wide > MOST_POINTS:
        wide = _up(over / MOST_POINTS, size)
        notes.append(f"an answer has at most {MOST_POINTS:,} points: these are {seconds(wide)} apart")
    elif wide != step:
        notes.append(
            f"so long ago only every {seconds(size)} is kept: points are {seconds(wide)} apart"
            if size > SLOT_S
            else f"what is recorded has steps of {SLOT_S} s: points are {seconds(wide)} apart"
        )
    last = _down(found.end, size) if newest and size > SLOT_S else _up(found.end, size)
    count = max(1, int(over // wide))
    width = wide if period.window_s is None else max(_up(window, size), size)
    return Grid(last - (count - 1) * wide, last, wide, width), tuple(notes)


def _size(age: float, step: float | None, over: float, kept: Kept) -> int:
    """Seconds of the finest points that there are of that age; coarser ones where nobody would see the difference."""
    if age > kept.fine_s:
        return HOUR_S
    if step is not None and step >= HOUR_S and over >= _LONG_S:
        return HOUR_S
    return SLOT_S if age <= kept.raw_s else FINE_S


def _up(value: float, size: int) -> int:
    return math.ceil(round(value / size, 6)) * size


def _down(value: float, size: int) -> int:
    return math.floor(value / size) * size


def _date(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M} UTC"
