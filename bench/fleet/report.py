"""From runs to a table, figures of a million messages, and a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.fleet.instance import Spent
from bench.fleet.traffic import SPANS_PER_MESSAGE

_MB: Final = 1e6
_MICRO: Final = 1e6


@dataclass(frozen=True)
class Run:
    """A fleet, and what it cost.

    Attributes:
        messages, events: how many all instances had together.
        samples_s: seconds between a series' samples.
        turns: how many samples each series has.
        cpu_s, series, kept: of the servers, see `Servers`.
    """

    instances: int
    shards: int
    guilds: int
    messages: int
    events: int
    turns: int
    samples_s: float
    spent: Spent
    cpu_s: dict[str, float]
    series: dict[str, int]
    kept: dict[str, int]
    memory_bytes: int

    @property
    def series_per_shard(self) -> float:
        """All series of the bots over their shards."""
        return (self.series["of shards"] + self.series["of instances"]) / self.shards

    def of_event(self, amount: float) -> float:
        """An amount for each thing that happened: an event of the gateway, or a message."""
        return amount / (self.messages + self.events)

    @property
    def sent_bytes(self) -> int:
        """What went to the collector, compressed."""
        return sum(self.spent.sent.values())


Column = tuple[str, Callable[[Run], str]]
_COLUMNS: Final[tuple[Column, ...]] = (
    ("instances", lambda run: f"{run.instances}"),
    ("shards", lambda run: f"{run.shards:,}"),
    ("guilds", lambda run: f"{run.guilds:,}"),
    ("series", lambda run: f"{sum(run.series.values()):,}"),
    ("a shard, its instance's share included", lambda run: f"{run.series_per_shard:.1f}"),
    ("OTLP bytes an event", lambda run: f"{run.of_event(sum(run.spent.encoded.values())):,.0f}"),
    ("compressed", lambda run: f"{run.of_event(run.sent_bytes):,.0f}"),
    ("recording, µs", lambda run: f"{run.of_event(run.spent.recording_s) * _MICRO:.1f}"),
    ("watcher, µs", lambda run: f"{run.of_event(run.spent.watcher_s) * _MICRO:.1f}"),
    ("collector, µs", lambda run: f"{run.of_event(run.cpu_s['otelcol']) * _MICRO:.1f}"),
    ("Prometheus, µs", lambda run: f"{run.of_event(run.cpu_s['prometheus']) * _MICRO:.1f}"),
    ("Loki, µs", lambda run: f"{run.of_event(run.cpu_s['loki']) * _MICRO:.1f}"),
    ("collector, MB", lambda run: f"{run.memory_bytes / _MB:.0f}"),
)


def table(runs: Sequence[Run]) -> str:
    """As Markdown."""
    lines = [[name for name, _ in _COLUMNS], ["---"] * len(_COLUMNS)]
    lines += [[tell(run) for _, tell in _COLUMNS] for run in runs]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def million(runs: Sequence[Run], quiet: Run) -> str:
    """What a million messages cost the last fleet, and what a million points of metrics do, as Markdown.

    Args:
        quiet: the last fleet without messages.
    """
    run, longest = runs[-1], max(runs, key=lambda run: run.turns)
    points = quiet.spent.records["metrics"]
    parts: dict[str, Callable[[Run], float]] = {
        "watcher, s of CPU": lambda run: run.spent.watcher_s,
        "collector, s of CPU": lambda run: run.cpu_s["otelcol"],
        "Prometheus, s of CPU": lambda run: run.cpu_s["prometheus"],
        "Loki, s of CPU": lambda run: run.cpu_s["loki"],
        "OTLP, MB compressed": lambda run: run.sent_bytes / _MB,
    }
    lines = ["| | a million messages | a million points |", "| --- | --- | --- |"]
    for name, told in parts.items():
        a_message, a_point = (told(run) - told(quiet)) / run.messages, told(quiet) / points
        lines.append(f"| {name} | {a_message * 1e6:,.0f} | {a_point * 1e6:,.1f} |")
    a_sample = longest.kept["prometheus"] / longest.kept["prometheus samples"]
    samples = quiet.kept["prometheus samples"] / points
    lines += [
        f"| Prometheus, MB on the disk | | {samples * a_sample:,.1f} |",
        f"| Loki, MB on the disk | {run.kept['loki'] / run.messages:,.0f} | |",
    ]
    return "\n".join([*lines, "", _samples(longest, a_sample)])


def _samples(run: Run, a_sample: float) -> str:
    hours = run.turns * run.samples_s / 3600
    return f"{a_sample:.2f} bytes a sample in blocks of {hours:.1f} h; {SPANS_PER_MESSAGE} spans and a log line each."


def picture(runs: Sequence[Run], path: Path) -> None:
    """What should stay flat, over the number of shards."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.4), layout="constrained")
    series, sent, cpu = figure.subplots(1, 3)
    shards = [run.shards for run in runs]
    series.plot(shards, [run.series_per_shard for run in runs], "o-")
    series.set_title("series a shard")
    sent.plot(shards, [run.of_event(run.sent_bytes) for run in runs], "o-")
    sent.set_title("bytes an event, compressed")
    parts: dict[str, Callable[[Run], float]] = {
        "collector": lambda run: run.cpu_s["otelcol"], "Prometheus": lambda run: run.cpu_s["prometheus"],
        "watcher": lambda run: run.spent.watcher_s, "recording": lambda run: run.spent.recording_s,
    }  # fmt: skip
    for name, seconds in parts.items():
        cpu.plot(shards, [run.of_event(seconds(run)) * _MICRO for run in runs], "o-", label=name)
    cpu.set_title("µs of CPU an event")
    cpu.legend(frameon=False)
    for one in (series, sent, cpu):
        one.set_xscale("log")
        one.set_xticks(shards, [f"{number:,}" for number in shards], minor=False)
        one.minorticks_off()
        one.set_xlabel("shards")
        one.set_ylim(0, 1.15 * one.get_ylim()[1])
        one.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
