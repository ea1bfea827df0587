"""One command's run, however it was called: its span, its duration by outcome, and how many are in flight."""

from __future__ import annotations

from opentelemetry.context import Context

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import MOST_CELLS, Bot
from whisperwatch.bot.instrument.errors.counting import note
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.instrument.outcomes import is_refusal, original_of, outcome_of
from whisperwatch.bot.recording.cells import Distribution, Value
from whisperwatch.bot.recording.current import COMMAND_KEY, ROOT_KEY, SPAN_KEY, enter, leave, read
from whisperwatch.bot.recording.ended import MOST_SPANS
from whisperwatch.bot.recording.exceptions import type_name
from whisperwatch.bot.recording.readable import SAMPLED
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import live_root
from whisperwatch.bot.recording.spans import Span
from whisperwatch.bot.recording.tracing import tracing

_now = recorder.clock.now


class CommandCells:
    """What one command, called one way, is measured by."""

    __slots__ = ("active", "attributes", "durations", "ok", "registered", "statics", "title", "uses")

    def __init__(self, bot_name: str, name: str, kind: str) -> None:
        self.title = f"command {name}"
        self.registered = name != semconv.UNKNOWN_COMMAND
        self.attributes = {semconv.BOT_NAME: bot_name, semconv.COMMAND: name, semconv.COMMAND_KIND: kind}
        self.active = counting(semconv.COMMANDS_ACTIVE, self.attributes)
        self.uses: Value | None = None
        if self.registered:
            feature = {semconv.BOT_NAME: bot_name, semconv.FEATURE: name, semconv.SOURCE: "command"}
            self.uses = counting(semconv.FEATURE_USES, feature)
        self.statics = {
            outcome: recorder.attribute_set({**self.attributes, semconv.OUTCOME: outcome})
            for outcome in semconv.OUTCOMES
        }
        self.ok = self.statics["ok"]
        self.durations: dict[str, Distribution] = {}
        for outcome in ("ok", "user_error", "failure"):
            self.duration(outcome)

    def duration(self, outcome: str) -> Distribution:
        """The histogram of the runs that ended so."""
        found = self.durations.get(outcome)
        if found is None:
            attributes = {**self.attributes, semconv.OUTCOME: outcome}
            found = self.durations[outcome] = timing(semconv.COMMAND_DURATION, attributes)
        return found


def cells_of(bot: Bot, name: str, kind: str) -> CommandCells:
    """The cells of a command; `name` must come from what is registered."""
    key = (name, kind)
    cells: CommandCells | None = bot.cells.get(key)
    if cells is None:
        if len(bot.cells) >= MOST_CELLS and name != semconv.UNKNOWN_COMMAND:
            return cells_of(bot, semconv.UNKNOWN_COMMAND, kind)
        cells = bot.cells[key] = CommandCells(bot.name, name, kind)
    return cells


class Invocation(Span):
    """A command that is running: its span, and what it is measured by. `error` is what discord.py kept from its
    caller."""

    kind_number = 0
    error: BaseException | None = None
    outcome = "ok"
    recorded = True
    """False where the span isn't: then the command is measured only."""

    def __init__(self, cells: CommandCells) -> None:
        self.cells = cells
        self.title = cells.title
        self.static = cells.ok
        # what is read later, and rarely set: a default of the class costs ten times as much to read
        self.end_ns = 0
        self.ornate = False
        self.flags = SAMPLED
        self.recorded = True
        self.error = self.own = None
        self.outcome = "ok"
        context = read()
        root = context.get(ROOT_KEY)
        if root is not None:
            root.touched = True  # type: ignore[attr-defined]
            if cells.registered:
                root.handled = True  # type: ignore[attr-defined]
        if tracing.start(self):
            self.token = enter(
                Context({**context, SPAN_KEY: self.visible if self.ornate else self, COMMAND_KEY: self})
            )
        else:
            self.recorded = False
            self.start_ns = _now()
            self.token = enter(Context({**context, COMMAND_KEY: self}))
        cells.active.add(1)

    def raised(self, error: BaseException) -> None:
        """An exception leaves the command: its own, or one of an error handler. A failure of its own comes first."""
        try:
            if self.error is None or outcome_of(self.error) != "failure":
                self.error = error
        except Exception:
            guard.failed("command error")

    def complete(self, outcome: str, cells: CommandCells | None = None) -> None:
        """End it. `cells`, where the command turned out to be another (a group's sub-command)."""
        leave(self.token)
        del self.token  # it holds the context, and with it all that the task held
        self.cells.active.add(-1)
        if cells is not None or outcome != "ok":
            self._become(outcome, cells or self.cells)
        if self.end_ns:  # the bot's own code has ended the span
            self.recorded = False
        self.end_ns = _now()
        if recorder.deferring and not self.ornate and len(recorder.unsettled) < MOST_SPANS:
            recorder.unsettled.append(self)
        else:
            self.settle()

    def settle(self) -> None:
        """Measure it, and export it."""
        uses = self.cells.uses
        if uses is not None:
            uses.add(1)
        duration = self.cells.duration(self.outcome)
        if self.recorded:
            duration.record((self.end_ns - self.start_ns) / 1e9, self)
            self.deliver()
        else:
            duration.record((self.end_ns - self.start_ns) / 1e9)

    def _become(self, outcome: str, cells: CommandCells) -> None:
        error, self.error = self.error, None
        self.outcome, self.cells = outcome, cells
        self.title, self.static = cells.title, cells.statics[outcome]
        if error is not None and outcome == "user_error" and is_refusal(error):
            self._refused()
        if error is not None and outcome != "cancelled":
            note(error, bot_name=cells.attributes[semconv.BOT_NAME])
        if error is not None and outcome == "failure":
            error = original_of(error)
            self.fail(error)
            root = live_root()
            if root is not None:
                root.fail(error)
        elif error is not None and outcome != "ok":
            self.own = {**(self.own or {}), semconv.ERROR_TYPE: type_name(original_of(error))}

    def _refused(self) -> None:
        attributes = {
            semconv.BOT_NAME: self.cells.attributes[semconv.BOT_NAME],
            semconv.SECURITY_KIND: "command",
            semconv.SECURITY_OUTCOME: "denied",
            semconv.SOURCE: "command",
        }
        counting(semconv.SECURITY_EVENTS, attributes).add(1)


def begin(cells: CommandCells) -> Invocation | None:
    """Start an invocation; None where our own hook failed."""
    try:
        return Invocation(cells)
    except Exception:
        guard.failed("command")
        return None


def current_invocation() -> Invocation | None:
    """The command that this task runs."""
    invocation: Invocation | None = read().get(COMMAND_KEY)  # type: ignore[assignment]
    return invocation


def note_error(error: BaseException) -> None:
    """An exception that discord.py hands to error handlers rather than to its caller."""
    try:
        invocation = current_invocation()
        if invocation is not None:
            invocation.error = error
    except Exception:
        guard.failed("command error")
