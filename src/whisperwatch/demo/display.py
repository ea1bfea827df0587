"""What the terminal shows: on the left what users did, on the right what was measured, below the last trace.

`Board` draws it, live, on a terminal; `Lines` says it in plain lines where there is none.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from whisperwatch import semconv
from whisperwatch.demo import tracetree
from whisperwatch.demo.measured import Measured
from whisperwatch.demo.receiver import ReceivedSpan, Traces
from whisperwatch.demo.tracetree import seconds
from whisperwatch.demo.truth import Deed, Truth

ROOTS = ("message", "interaction")
_RATE_OVER_S = 10.0
_READABLE_S = 2.0
"""How long a trace is shown before the next may take its place."""
_SIGNS = {"ok": "green", "user_error": "yellow", "rate_limited": "yellow", "failure": "red", "": "default"}
_LIBRARIES = {
    "LLM": ("gen_ai.operation.name",),
    "SQL": ("db.statement", "db.query.text"),
    "Redis": ("redis",),
}


@dataclass
class Scene:
    """Everything that there is to show."""

    truth: Truth
    traces: Traces
    urls: Mapping[str, str]
    people: int
    note: str = ""
    started: float = field(default_factory=time.monotonic)
    readings: deque[Measured] = field(default_factory=lambda: deque(maxlen=30))

    @property
    def now(self) -> Measured:
        """The newest reading, an empty one before the first."""
        return self.readings[-1] if self.readings else Measured()

    def rate(self, metric: semconv.Metric) -> float:
        """Per second, over the last ten seconds."""
        if len(self.readings) < 2:
            return 0.0
        last = self.readings[-1]
        first = next(r for r in self.readings if last.at - r.at <= _RATE_OVER_S)
        return (
            (last.total(metric) - first.total(metric)) / (last.at - first.at) if last.at > first.at else 0.0
        )


class Board:
    """The scene, as large as the terminal is."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._trace_shown: list[ReceivedSpan] = []
        self._chosen_at = -math.inf

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or options.max_height
        width = options.max_width
        below = max(8, min(18, (height - 3) // 2 - 1))
        upper = height - below - 2
        layout = Layout()
        layout.split_column(
            Layout(_head(self.scene), size=1),
            Layout(name="upper", size=upper),
            Layout(self._trace(width - 4, below - 2, options.ascii_only), size=below),
            Layout(_foot(self.scene), size=1),
        )
        layout["upper"].split_row(
            Layout(Panel(_deeds(self.scene, upper - 2), title="What users did", title_align="left")),
            Layout(Panel(_figures(self.scene, upper - 2), title="What was measured", title_align="left")),
        )
        yield layout

    def _trace(self, width: int, height: int, ascii_only: bool) -> RenderableType:
        if time.monotonic() - self._chosen_at >= _READABLE_S:
            self._trace_shown, self._chosen_at = self.scene.traces.latest(ROOTS), time.monotonic()
        spans = self._trace_shown
        tree = tracetree.draw(spans, width, height, ascii_only=ascii_only)
        return Panel(tree, title="The last trace", title_align="left")


def _head(scene: Scene) -> Text:
    running = time.monotonic() - scene.started
    text = f" Whisperwatch demo  {running:.0f} s   {scene.people} users   {scene.truth.deeds} things done   Ctrl-C ends"
    return Text(text + (f"   {scene.note}" if scene.note else ""), style="bold", no_wrap=True)


def _foot(scene: Scene) -> Text:
    urls = "  ".join(f"{name} {url}" for name, url in scene.urls.items())
    return Text(f" {urls}", style="dim", no_wrap=True, overflow="ellipsis")


def _deeds(scene: Scene, height: int) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=6, no_wrap=True, style="bold")
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    for deed in list(scene.truth.recent)[-height:]:
        table.add_row(
            Text(deed.who), Text(deed.what), answer_of(deed), style=_SIGNS.get(deed.outcome, "default")
        )
    return table


def answer_of(deed: Deed) -> str:
    """How it went, in a word: the time to the answer, or the outcome that is not ok."""
    if deed.outcome not in ("", "ok"):
        return deed.outcome.replace("_", " ")
    return "" if deed.took is None else seconds(deed.took)


def _figures(scene: Scene, height: int) -> RenderableType:
    lines = summary(scene)
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_row(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"))
    grid.add_row(_commands(scene.now, height - len(lines) - 1))
    return grid


def summary(scene: Scene) -> list[str]:
    """The figures of the whole bot, a line each."""
    now = scene.now
    lag = now.quantile(semconv.LOOP_LAG, 0.99).get(())
    shards = now.total(semconv.SHARD_UP)
    runtime = [f"shards {shards:.0f} up"] if now.has(semconv.SHARD_UP) else []
    runtime += [] if lag is None else [f"loop lag p99 {seconds(lag)}"]
    return [
        f"in {scene.rate(semconv.GATEWAY_EVENTS):.1f}/s  handled {scene.rate(semconv.MESSAGES_HANDLED):.1f}/s  "
        f"REST {scene.rate(semconv.HTTP_DURATION):.1f}/s",
        f"reply {_percentiles(now, semconv.RESPONSE_TIME)}",
        "  ".join(runtime) or "loop and shards not yet",
        _libraries(scene.traces),
    ]


def _percentiles(now: Measured, metric: semconv.Metric) -> str:
    halves, most = now.quantile(metric, 0.5), now.quantile(metric, 0.95)
    return f"p50 {seconds(halves[()])} p95 {seconds(most[()])}" if () in halves else "none yet"


def _libraries(traces: Traces) -> str:
    """How often each library was called, from the spans: metrics of them are the next issue's."""
    return "spans  " + (
        "  ".join(f"{name} {n}" for name, n in sorted(traces.libraries.items())) or "none yet"
    )


def _commands(now: Measured, height: int) -> RenderableType:
    table = Table(box=None, padding=(0, 1, 0, 0), expand=True, header_style="dim")
    table.add_column("command", no_wrap=True, overflow="ellipsis", ratio=1)
    for title in ("n", "p50", "p95", "failed"):
        table.add_column(title, justify="right", no_wrap=True)
    keys = (semconv.COMMAND,)
    counts = now.by(semconv.COMMAND_DURATION, *keys)
    failures = now.by(semconv.COMMAND_DURATION, *keys, where={semconv.OUTCOME: "failure"})
    halves = now.quantile(semconv.COMMAND_DURATION, 0.5, *keys)
    most = now.quantile(semconv.COMMAND_DURATION, 0.95, *keys)
    for key, count in sorted(counts.items(), key=lambda item: -item[1])[: max(height, 0)]:
        failed = failures.get(key, 0)
        table.add_row(
            key[0], f"{count:.0f}", seconds(halves[key]), seconds(most[key]),
            Text(f"{failed:.0f}", style="red") if failed else "",
        )  # fmt: skip
    return table


class Lines:
    """The scene in plain lines: each deed as it is done, the figures now and then."""

    def __init__(self, scene: Scene, say: Callable[[str], None], figures_every_s: float = 5.0) -> None:
        self._scene = scene
        self._say = say
        self._every_s = figures_every_s
        self._told = 0
        self._figures_at = -math.inf

    def update(self) -> None:
        """Say what is new."""
        new = self._scene.truth.deeds - self._told
        self._told += new
        for deed in list(self._scene.truth.recent)[-new:] if new else ():
            self._say(f"{deed.who:>6}  {deed.what}  {answer_of(deed)}".rstrip())
        if len(self._scene.readings) > 1 and time.monotonic() - self._figures_at >= self._every_s:
            self._figures_at = time.monotonic()
            self._say("measured: " + " | ".join(summary(self._scene)))
