"""How fast the bot answers, how often it fails, and which part and which command takes how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.insight.figures import Basis, Figure, Figures, ask, ask_in_steps
from whisperwatch.watcher.insight.starts import STARTS, Start, starts
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language.words import quoted

RESPONSE: Final = "discord.message.response.duration"
_COMMANDS: Final = "discord.command.duration"
_TOP: Final = 5
_FAILED: Final = {
    "failed commands": "increase(discord.command.duration where outcome = failure)",
    "failed events": "increase(discord.event.errors where discord.event.name in (message, interaction))",
}


@dataclass(frozen=True, slots=True)
class Timed:
    """What of a component is measured: a histogram, which of it, and the attribute that tells its parts apart."""

    metric: str
    by: str
    where: str = ""

    def of(self, function: str, by: str = "") -> str:
        where = f" where {self.where}" if self.where else ""
        return f"{function}({self.metric}{where})" + (f" by {by}" if by else "")


_STORES: Final = "redis, chroma, qdrant"
COMPONENTS: Final[Mapping[str, Timed]] = {
    "llm": Timed("gen_ai.client.operation.duration", "gen_ai.request.model"),
    "database": Timed(
        "db.client.operation.duration", "db.operation.name", f"db.system.name not in ({_STORES})"
    ),
    "memory": Timed("bot.memory.operation.duration", "bot.memory.operation"),
    "cache": Timed("db.client.operation.duration", "db.operation.name", "db.system.name = redis"),
    "discord": Timed("discord.http.request.duration", "url.template"),
    "network": Timed("http.client.request.duration", "server.address"),
    "tasks": Timed("discord.task.duration", "discord.task.name"),
}
"""Whose times are measured."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took: quantiles in seconds, and how often it was done."""

    name: str
    p50: Figure
    p95: Figure
    p99: Figure
    count: Figure


@dataclass(frozen=True, slots=True)
class Performance:
    """Of all that the bot answers.

    Attributes:
        response: from a message or interaction to the first visible reply.
        handled: messages and interactions that ran a command or got a reply.
        failed: commands that failed, and exceptions that left a listener of such an event.
        components: those that did anything.
        commands: those that took longest, by their P95.
    """

    basis: Basis
    response: Times
    handled: Figure
    failed: Figure
    components: tuple[Times, ...]
    commands: tuple[Times, ...]

    @property
    def error_rate(self) -> Figure:
        """Failures over what was handled."""
        return self.failed.over(self.handled)


@dataclass(frozen=True, slots=True)
class Component:
    """Of one component. `parts`: what took longest within it, by its P95; `by` names what they are."""

    basis: Basis
    times: Times
    errors: Figure
    by: str
    parts: tuple[Times, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """A figure of the whole period, and its points, the oldest first."""

    name: str
    whole: Figure
    points: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class History:
    """How it went over a period.

    Attributes:
        step_s: the distance of the points, which the store may have widened.
        times: the ends, in unix seconds, of the steps that the points tell of.
        starts: of the bot, in this time.
    """

    basis: Basis
    trends: tuple[Trend, ...]
    step_s: float
    times: tuple[int, ...]
    starts: tuple[Start, ...]

    def whole(self, name: str) -> Figure:
        """A trend's figure of the whole period."""
        return next((trend.whole for trend in self.trends if trend.name == name), Figure())


async def performance(asking: Asking, over_s: float) -> Performance:
    """Of the last `over_s` seconds."""
    questions = {
        **_times("response", Timed(RESPONSE, "")),
        "handled": "increase(discord.messages.handled)",
        **_FAILED,
        **_grouped("commands", Timed(_COMMANDS, ""), "discord.command.name"),
    }
    for name, timed in COMPONENTS.items():
        questions |= _times(name, timed)
    found = await ask(asking, questions, over_s)
    components = [_time(found, name) for name in COMPONENTS]
    return Performance(
        found.basis,
        _time(found, "response"),
        found.figure("handled"),
        found.figure("failed commands") + found.figure("failed events"),
        tuple(one for one in components if one.count.value),
        _slowest(found, "commands"),
    )


async def component(asking: Asking, name: str, over_s: float) -> Component:
    """Of one of `COMPONENTS`.

    Raises:
        KeyError: there is no such component.
    """
    timed = COMPONENTS[name]
    questions = {
        **_times("all", timed),
        **_grouped("parts", timed, timed.by),
        "errors": f"increase(bot.errors where bot.component = {quoted(name)})",
    }
    found = await ask(asking, questions, over_s)
    return Component(
        found.basis, _time(found, "all", name), found.figure("errors"), timed.by, _slowest(found, "parts")
    )


async def history(asking: Asking, over_s: float) -> History:
    """Of the last `over_s` seconds, in two dozen points."""
    questions = {
        "P50": f"p50({RESPONSE})",
        "P95": f"p95({RESPONSE})",
        "Answers": "increase(discord.messages.handled)",
        "Failed commands": _FAILED["failed commands"],
        "Errors": "increase(bot.errors)",
    }
    whole = await ask(asking, questions, over_s)
    fine = await ask_in_steps(asking, {**questions, "starts": STARTS}, min(over_s, whole.basis.over_s))
    trends = tuple(Trend(name, whole.figure(name), fine.trend(name)) for name in questions)
    began = starts(fine.trends("starts"), whole.basis.start)
    return History(whole.basis, trends, fine.step_s("P50"), fine.times("P50"), began)


def _times(name: str, timed: Timed) -> dict[str, str]:
    return {
        f"{name} p50": timed.of("p50"),
        f"{name} p95": timed.of("p95"),
        f"{name} p99": timed.of("p99"),
        f"{name} count": timed.of("increase"),
    }


def _time(found: Figures, name: str, shown: str | None = None) -> Times:
    return Times(
        shown or name, *(found.figure(f"{name} {which}") for which in ("p50", "p95", "p99", "count"))
    )


def _grouped(name: str, timed: Timed, by: str) -> dict[str, str]:
    return {which: f"{expression} by {by}" for which, expression in _times(name, timed).items()}


def _slowest(found: Figures, name: str) -> tuple[Times, ...]:
    p50, p95, p99, count = (found.groups(f"{name} {which}") for which in ("p50", "p95", "p99", "count"))
    unknown = Figure(unit="s")
    return tuple(
        Times(group, p50.get(group, unknown), figure, p99.get(group, unknown), count.get(group, Figure()))
        for group, figure in list(p95.items())
        if figure.value is not None
    )[:_TOP]
