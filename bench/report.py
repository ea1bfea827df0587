"""From rounds to a table: what each variant adds to the bare bot, and what of that is noise."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

_MICRO = 1e6


@dataclass(frozen=True)
class Load:
    """The rounds of one load: for each variant, seconds of CPU a round: `cpu` of the bot's process, `loop` the part
    before flushing, `child` of the watcher's process."""

    name: str
    count: int
    rounds: int
    figures: dict[str, list[dict[str, float]]]

    def added(self, variant: str, *keys: str) -> list[float]:
        """Microseconds an event that the variant adds to the bare bot of the same round."""
        pairs = zip(self.figures[variant], self.figures["bare"], strict=True)
        return [(sum(v[k] for k in keys) - b["cpu"]) / self.count * _MICRO for v, b in pairs]


def table(load: Load, disqualified: set[str]) -> str:
    """A Markdown table of one load: medians, and the middle half of the rounds."""
    bare = statistics.median(figure["cpu"] for figure in load.figures["bare"]) / load.count * _MICRO
    low, high = _half(load.added("bare again", "cpu"))
    lines = [
        f"\n**{load.name}**: {load.rounds} rounds of {load.count} events; bare {bare:.1f} µs an event; "
        f"a second bare bot adds {low:+.1f} to {high:+.1f} µs",
        "",
        "| variant | added in the bot's process, µs | middle half | of it on the loop | with the watcher's, µs "
        "| of argus-dpy | of the SDK |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    told = (name for name in load.figures if not name.startswith("bare") and name not in disqualified)
    return "\n".join([*lines, *(_row(load, name) for name in told)])


def _row(load: Load, name: str) -> str:
    own, both = load.added(name, "cpu"), load.added(name, "cpu", "child")
    low, high = _half(own)
    pairs = zip(load.figures[name], load.figures["bare"], strict=True)
    on_loop = statistics.median((v["loop"] - b["loop"]) / load.count * _MICRO for v, b in pairs)
    ratios = " | ".join(_ratio(load, own, both, other) for other in ("argus-dpy", "SDK by hand"))
    return (
        f"| {name} | {statistics.median(own):.1f} | {low:.1f} to {high:.1f} | {on_loop:.1f} "
        f"| {statistics.median(both):.1f} | {ratios} |"
    )


def _ratio(load: Load, own: list[float], both: list[float], other: str) -> str:
    if other not in load.figures:
        return "-"
    against = statistics.median(load.added(other, "cpu"))
    return (
        f"{statistics.median(own) / against:.2f} ({statistics.median(both) / against:.2f} with the watcher's)"
    )


def _half(values: list[float]) -> tuple[float, float]:
    first, _, third = statistics.quantiles(values, n=4)
    return first, third
