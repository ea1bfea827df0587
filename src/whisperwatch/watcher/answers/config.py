"""`config`: settings as pages, read and changed; each change is a security event, whether it was taken or refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from whisperwatch.questions import WrongWordsError
from whisperwatch.watcher.answers.page import Line, Moment, Page, Section
from whisperwatch.watcher.configuration import TERMINAL, Change, Configuration, ConfigurationError, Entry

Arguments = Mapping[str, Any]
Audit = Callable[[str, str, str], Awaitable[None]]
"""Told the outcome, the setting's name, and by whom."""
_MONITORING: Final = (
    "monitoring.",
    "alerts.",
    "HEALTH_",
    "PERFORMANCE_",
    "ERROR_",
    "ALERT",
    "ENABLE_WEB_",
    "DASHBOARD_",
)
"""How the names of the monitoring guide's settings begin."""
_REGISTER: Final = (
    "The bot has registered no settings of its own. Two lines in its code let its admins change one:",
    "import whisperwatch",
    'whisperwatch.setting("DATABASE_POOL_SIZE", get=lambda: pool.size, set=pool.resize)',
)
_LONGEST: Final = 1000
_SHOWN: Final = 60


class Config:
    """Answers about settings.

    Args:
        configuration: reads and changes them.
        name_of: a user's id as it may be kept.
        audit: has a change recorded.
    """

    def __init__(self, configuration: Configuration, name_of: Callable[[str], str], audit: Audit) -> None:
        self._configuration, self._name_of, self._audit = configuration, name_of, audit
        self.tellers: dict[str, Callable[[Arguments], Awaitable[Page]]] = {"config": self._config}

    async def suggest(self) -> list[str]:
        """The names of the settings: first the bot's own and others that can be changed, then the rest."""
        entries = [*await self._configuration.bots(), *self._configuration.own()]
        return [one.name for one in sorted(entries, key=lambda one: not one.changeable)]

    async def _config(self, arguments: Arguments) -> Page:
        action, name, value = (arguments.get(key) for key in ("action", "name", "value"))
        by = self._name_of(str(arguments["by"])) if "by" in arguments else TERMINAL
        if action in (None, "monitoring"):
            if name is not None:
                raise WrongWordsError(f"config monitoring shows all: for one ask `config get {name:.60}`")
            return monitoring(
                self._configuration.own(), await self._configuration.bots(), self._configuration.problems()
            )
        if not name:
            raise WrongWordsError(f"config {action} needs a setting's name; `config monitoring` lists them")
        if action == "get":
            return entry(await self._found(str(name)), by)
        if (value is None) == (action == "set"):
            raise WrongWordsError(
                f"config set needs a value behind {name:.60}"
                if value is None
                else f"config unset takes a name alone: to change it ask `config set {name:.60} …`"
            )
        return await self._changed(str(action), str(name), str(value), by)

    async def _found(self, name: str) -> Entry:
        try:
            return await self._configuration.get(name)
        except ConfigurationError as error:
            raise WrongWordsError(str(error)) from None

    async def _changed(self, action: str, name: str, value: str, by: str) -> Page:
        if len(value) > _LONGEST:
            raise WrongWordsError(f"a value has at most {_LONGEST} characters")
        try:
            if action == "set":
                change = await self._configuration.set(name, value, by)
            else:
                change = await self._configuration.unset(name, by)
        except ConfigurationError as error:
            await self._audit("failed", name, by)
            raise WrongWordsError(str(error)) from None
        await self._audit("allowed", change.entry.name, by)
        return changed(change, action)


def monitoring(own: list[Entry], bots: list[Entry], problems: tuple[str, ...]) -> Page:
    """What is in force: what was changed, the guide's settings, the bot's own."""
    set_ones = [one for one in own if one.origin != "default"]
    guides = [one for one in own if one.name.startswith(_MONITORING) and one not in set_ones]
    count = f"{len(set_ones)} of {len(own)} settings are set, the others are at their defaults."
    verdict = (
        f"{len(problems)} {'is' if len(problems) == 1 else 'are'} wrong." if problems else "None is wrong."
    )
    sections = [Section("Wrong", problems, "degraded")] if problems else []
    if set_ones:
        sections.append(Section("Set", tuple(map(_line, set_ones))))
    sections.append(Section("The bot's own", tuple(map(_line, bots)) if bots else _REGISTER))
    later = [one for one in guides if one.later]
    lines = [_line(one) for one in guides if not one.later]
    if later:
        lines.append(f"{len(later)} more are not yet used: `config get {later[0].name}` tells of one.")
    sections.append(Section("Monitoring, by default", tuple(lines)))
    return Page("Configuration", (count, verdict), tuple(sections), "degraded" if problems else None)


def entry(one: Entry, asker: str) -> Page:
    """One setting."""
    lines: list[Line] = [f"{one.value} ({_from(one)})"]
    if one.override is not None:
        lines.append(_set_by(one, asker))
    if one.help:
        lines.append(one.help)
    lines.append(f"It should be {one.right}.")
    if one.later:
        lines.append(f"Not yet used: {one.later}.")
    lines.append(
        f"It can't be changed from here: set it in {one.where}."
        if not one.changeable
        else "A change is in force after a restart of the bot."
        if one.restart
        else "A change is in force at once."
    )
    return Page(one.name, tuple(lines))


def changed(change: Change, action: str) -> Page:
    """What a change has done."""
    one = change.entry
    same = one.value == change.before
    lines: list[Line] = [f"{one.value}, as it was." if same else f"{one.value}; it was {change.before}."]
    if action == "unset":
        lines.append(f"It says so now: {_from(one)}.")
    lines.append("In force after a restart of the bot." if one.restart else "In force now.")
    if action == "set":
        lines.append(f"It is kept over restarts, until `config unset {one.name}`.")
    below = (Section("Not all is done", change.problems, "degraded"),) if change.problems else ()
    return Page(one.name, tuple(lines), below, "degraded" if change.problems else None)


def _line(one: Entry) -> str:
    value = one.value if len(one.value) <= _SHOWN else f"{one.value[: _SHOWN - 1]}…"
    where = "" if one.origin == "default" or (one.bots and one.override is None) else f" ({one.origin})"
    later = " (not yet used)" if one.later else ""
    return f"{one.name} = {value}{where}{later}"


def _from(one: Entry) -> str:
    return {"override": "set at run time", "default": "by default", "the bot": "as the bot has it"}.get(
        one.origin, f"from {one.origin}"
    )


def _set_by(one: Entry, asker: str) -> Line:
    assert one.override is not None
    by = one.override.by
    who = "you" if by == asker and by != TERMINAL else "in a terminal" if by == TERMINAL else f"user {by}"
    if not by or not one.override.at:
        return "Set at run time, by a hand that is not known."
    return (f"Set {'' if by == TERMINAL else 'by '}{who} ", Moment(one.override.at))
