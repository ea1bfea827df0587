"""`performance memory-analysis`: does the bot leak, and on request, which lines hold what was allocated lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from whisperwatch.watcher.answers import leaks
from whisperwatch.watcher.answers.figures import named, page, shown, spark, thinned
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.answers.page import Button, Line, Page, Section
from whisperwatch.watcher.insight.memory_use import MemoryUse

TRACED_S: Final = 30
VIEW: Final = "memory-analysis"
_COSTS: Final = (
    f"Tracing allocations for {TRACED_S} s slows the bot down meanwhile: whatever allocates takes two to four times "
    "as long."
)
_SHOWN_POINTS: Final = 28


def analysis(report: MemoryUse) -> Page:
    """The verdict, its numbers, and what may be asked further."""
    lines: list[Line] = [leaks.told(report.leak), named("Memory", report.now), named("At most", report.peak)]
    if report.leak.a_day is not None and report.leak.verdict != "leaks":
        lines.append(f"Growth: {number(report.leak.a_day, 'By')} a day")
    lines += spark(thinned(report.trend, _SHOWN_POINTS), "By")
    collector = tuple(
        f"Generation {generation}: {shown(runs)}" for generation, runs in sorted(report.collections.items())
    )
    sections = [
        Section("The garbage collector's runs", (*collector, named("P99 of its pauses", report.pause))),
        Section("Which lines hold it", (_COSTS,)),
    ]
    status = leaks.status(report.leak)
    made = page("Memory of the bot's process", report.basis, tuple(lines), tuple(sections), status)
    return replace(made, buttons=(Button(f"Trace for {TRACED_S} s", {"view": VIEW, "trace": "start"}),))


def allocations(told: Mapping[str, Any]) -> Page:
    """What a tracing has found, or how long it goes on."""
    again = Button("Show what was found", {"view": VIEW, "trace": "show"})
    if error := told.get("error"):
        return Page("Allocations", (str(error),), status="unknown")
    if "left_s" in told:
        left = f"Tracing: {told['left_s']:.0f} s to go."
        return Page("Allocations", (left, "The bot is slower meanwhile."), buttons=(again,))
    start = Button(f"Trace for {TRACED_S} s", {"view": VIEW, "trace": "start"})
    if "lines" not in told:
        return Page(
            "Allocations", ("Nothing has been traced since the bot's start.", _COSTS), buttons=(start,)
        )
    held = number(told["bytes"], "By")
    lines: list[Line] = [
        f"{held} that were allocated in {told['seconds']:.0f} s are still held.",
        f"The garbage collector tracks {told['objects']:,} objects.",
        *(
            f"{path}:{line}: {number(size, 'By')} in {count:,} blocks"
            for path, line, size, count in told["lines"]
        ),
    ]
    return Page("Allocations", tuple(lines), at=told["at"], buttons=(start,))
