"""Who took how much of the time that messages took, and what grew: alike of traces, of metrics, now and before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.insight.critical_path import critical_path
from whisperwatch.watcher.insight.figures import Figure, Figures
from whisperwatch.watcher.insight.performance import COMPONENTS
from whisperwatch.watcher.insight.span_components import BOT, PEOPLE, Work, works_of
from whisperwatch.watcher.query.answers import Trace

_GREW: Final = 0.25
"""What grew by less, of itself, is as it was: times differ from message to message."""
_MATTERS: Final = 0.05
"""What grew by less, of what a message took, is not worth a line."""
_WATCHED: Final = {name: timed for name, timed in COMPONENTS.items() if name != "tasks"}
_EVENTS: Final = "discord.event.duration where discord.event.name in (message, interaction)"
_CALLERS: Final = {
    "llm's servers": "increase(gen_ai.client.operation.duration) by server.address",
    "memory's servers": "increase(db.client.operation.duration where db.system.name in (chroma, qdrant)) "
    "by server.address",
}
QUESTIONS: Final[Mapping[str, str]] = {
    **{f"{name} time": timed.of("sum", timed.by) for name, timed in _WATCHED.items()},
    **_CALLERS,
    "message time": f"sum({_EVENTS})",
    "handled": "increase(discord.messages.handled)",
}
"""What is asked of metrics."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one component, or one operation of it, takes.

    Attributes:
        name: the operation's; of a component its own.
        component: one of `performance`, or `bot` for the bot's own code.
        share: of all that messages take, from 0 to 1.
        per_message: seconds a message, on average.
    """

    name: str
    component: str
    share: Figure
    per_message: Figure


@dataclass(frozen=True, slots=True)
class Spent:
    """What messages took. `seconds` by whose work it was; `messages` is None where their number isn't known; `unseen`
    is what a work that isn't listed took: 0.0 of traces, which show all, and not known of metrics."""

    seconds: Mapping[Work, float]
    messages: float | None
    unseen: float | None = None

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    @property
    def per_message(self) -> float | None:
        """Seconds."""
        return self.total / self.messages if self.messages and self.seconds else None

    def by(self, key: Callable[[Work], Work]) -> dict[Work, float]:
        """The seconds, summed by what `key` makes of the works; the most first."""
        found: dict[Work, float] = {}
        for work, seconds in self.seconds.items():
            found[key(work)] = found.get(key(work), 0.0) + seconds
        return dict(sorted(found.items(), key=lambda one: one[1], reverse=True))


def of_traces(traces: Iterable[Trace]) -> Spent:
    """By their critical paths. What the bot waited for people is nobody's time."""
    seconds: dict[Work, float] = {}
    messages = 0
    for trace in traces:
        steps, works = critical_path(trace.spans), works_of(trace.spans)
        messages += bool(steps)
        for step in steps:
            work = works[step.span.span_id]
            if work.component != PEOPLE:
                seconds[work] = seconds.get(work, 0.0) + step.seconds
    return Spent(seconds, messages, 0.0)


def of_metrics(found: Figures, before: bool = False) -> Spent:
    """By the sums of what was measured: calls beside each other count each, and so does work that no message waited
    for. What is left of the messages' time is the bot's own."""

    def value(figure: Figure) -> float | None:
        return figure.before if before else figure.value

    callers = {address for name in _CALLERS for address in found.groups(name) if address}
    seconds = {
        Work(name, part or name): taken
        for name in _WATCHED
        for part, figure in found.groups(f"{name} time").items()
        if (taken := value(figure)) and not (name == "network" and part in callers)
    }
    own = (value(found.figure("message time")) or 0.0) - sum(seconds.values())
    if own > 0:
        seconds[Work(BOT, "its own code")] = own
    return Spent(seconds, value(found.figure("handled")))


def by_component(now: Spent, before: Spent | None = None) -> tuple[Share, ...]:
    """The component that took most first."""
    return _shares(now, before, lambda work: Work(work.component, work.component))


def by_operation(now: Spent, before: Spent | None = None) -> tuple[Share, ...]:
    """The same of the operations within them; of the bot's own code it is the listener, the command, the event."""
    return _shares(now, before, lambda work: work)


def grown(shares: Iterable[Share], whole: float | None) -> tuple[Share, ...]:
    """Those that take more of a message than before, and noticeably so; what grew most first.

    Args:
        whole: what a message takes, in seconds.
    """
    found = [(more, one) for one in shares if (more := _more(one)) and more >= _MATTERS * (whole or 0.0)]
    return tuple(one for _, one in sorted(found, key=lambda each: each[0], reverse=True))


def _more(share: Share) -> float | None:
    """By how many seconds a message; None where that is little of itself, or not known."""
    now, before = share.per_message.value, share.per_message.before
    if now is None or before is None or now < before * (1 + _GREW):
        return None
    return now - before


def _shares(now: Spent, before: Spent | None, key: Callable[[Work], Work]) -> tuple[Share, ...]:
    then = before or Spent({}, None)
    earlier = then.by(key)

    def share(work: Work, taken: float) -> Share:
        was = earlier.get(work, then.unseen)
        return Share(
            work.operation,
            work.component,
            Figure(_over(taken, now.total), "1", _over(was, then.total)),
            Figure(_over(taken, now.messages), "s", _over(was, then.messages)),
        )

    return tuple(share(work, taken) for work, taken in now.by(key).items())


def _over(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
