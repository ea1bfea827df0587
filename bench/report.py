"""From rounds to a table: what each variant adds to the bare bot, and what of that is noise.

Two figures say what is added: the median of the differences to the bare bot of the same round, and the cheapest round
less the bare bot's cheapest ("least over least"), which other work on the machine disturbs less.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

_MICRO = 1e6
_BESIDE = {"argus-dpy": "argus-dpy", "SDK by hand": "the SDK", "contrib on the SDK": "contrib on the SDK"}
"""Whom the others are compared with, and what the table calls them."""


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

    def least(self, variant: str, *keys: str) -> float:
        """Microseconds an event that the variant's cheapest round is over the bare bot's cheapest."""
        own = min(sum(figure[key] for key in keys) for figure in self.figures[variant])
        return (own - min(figure["cpu"] for figure in self.figures["bare"])) / self.count * _MICRO

    def beside(self) -> list[str]:
        """Those of the comparison that took part."""
        return [name for name in _BESIDE if name in self.figures]


def table(load: Load, disqualified: set[str]) -> str:
    """A Markdown table of one load: medians, and the middle half of the rounds."""
    bare = statistics.median(figure["cpu"] for figure in load.figures["bare"]) / load.count * _MICRO
    low, high = _half(load.added("bare again", "cpu"))
    heads = [
        "variant", "added in the bot's process, µs", "middle half", "least over least", "of it on the loop",
        "with the watcher's, µs", *(f"of {_BESIDE[other]}" for other in load.beside()),
    ]  # fmt: skip
    lines = [
        f"\n**{load.name}**: {load.rounds} rounds of {load.count} events; bare {bare:.1f} µs an event; "
        f"a second bare bot adds {low:+.1f} to {high:+.1f} µs, {load.least('bare again', 'cpu'):+.1f} least over least",
        "",
        _line(heads),
        _line(["---"] * len(heads)),
    ]
    told = (name for name in load.figures if not name.startswith("bare") and name not in disqualified)
    return "\n".join([*lines, *(_line(_cells(load, name)) for name in told)])


def _cells(load: Load, name: str) -> list[str]:
    own, both = load.added(name, "cpu"), load.added(name, "cpu", "child")
    low, high = _half(own)
    pairs = zip(load.figures[name], load.figures["bare"], strict=True)
    on_loop = statistics.median((v["loop"] - b["loop"]) / load.count * _MICRO for v, b in pairs)
    return [
        name, f"{statistics.median(own):.1f}", f"{low:.1f} to {high:.1f}", f"{load.least(name, 'cpu'):.1f}",
        f"{on_loop:.1f}", f"{statistics.median(both):.1f}",
        *(_ratio(load, name, other) for other in load.beside()),
    ]  # fmt: skip


def _ratio(load: Load, name: str, other: str) -> str:
    """By medians, then least over least; then the medians with the watcher's."""
    against = statistics.median(load.added(other, "cpu"))
    own, both = (statistics.median(load.added(name, *keys)) for keys in (["cpu"], ["cpu", "child"]))
    least = load.least(name, "cpu") / load.least(other, "cpu")
    return f"{own / against:.2f}, least {least:.2f} ({both / against:.2f} with the watcher's)"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _half(values: list[float]) -> tuple[float, float]:
    first, _, third = statistics.quantiles(values, n=4)
    return first, third
