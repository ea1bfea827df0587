"""The settings as an admin reads and changes them while the bot runs: Whisperwatch's own, and those that the bot's code
has registered, which live in the bot's processes and are asked for there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from whisperwatch.watcher.calls import Calls
from whisperwatch.watcher.settings import Current, OverrideError, Overrides, known
from whisperwatch.watcher.settings.misspelt import did_you_mean, nearest
from whisperwatch.watcher.settings.overrides import BOT_NAME, NAME, Override, OverrideFile
from whisperwatch.watcher.settings.reading import Value
from whisperwatch.watcher.settings.show import shown

TERMINAL: Final = "terminal"
"""Who asks on the bot's machine, as its user."""
_BOT: Final = "the bot"
_REGISTER: Final = (
    ". One of the bot's own can be changed once its code registers it: "
    'whisperwatch.setting("{}", get=…, set=…)'
)

Clean = Callable[[str, str], str]
"""A setting's name and its value as it may be shown."""


class ConfigurationError(ValueError):
    """A setting can't be read or changed so; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting.

    Attributes:
        value: in force, as it may be shown.
        origin: who says so: `override`, `environment`, `monitoring.yaml:3`, `default`, or `the bot`.
        right: what a right value is, to follow "should be".
        changeable: an admin may change it.
        restart: a change is in force after a restart of the bot.
        later: what will use it, where nothing does yet.
        override: how it was set at run time; None where it wasn't.
        bots: it is one of the bot's own.
        where: where who runs the bot sets it, to follow "in".
    """

    name: str
    value: str
    origin: str
    help: str
    right: str
    changeable: bool = True
    restart: bool = False
    later: str | None = None
    override: Override | None = None
    bots: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What came of a change. `problems`: the processes of the bot in which it failed, in sentences."""

    entry: Entry
    before: str
    problems: tuple[str, ...] = ()


class Configuration:
    """Reads and changes settings.

    Args:
        current: Whisperwatch's own.
        state: the state directory, where changes are kept; None for none.
        calls: asks the bot's processes.
        clean: hides what is secret by its name or its look.
    """

    def __init__(self, current: Current, state: Path | None, calls: Calls, clean: Clean) -> None:
        self._current, self._calls, self._clean = current, calls, clean
        self._own = None if state is None else Overrides(state / NAME, known())
        self._bots = None if state is None else OverrideFile(state / BOT_NAME)
        self._changing = asyncio.Lock()

    def of_the_bot(self) -> dict[str, Any]:
        """What was set of the bot's own settings, for its next start. Empty where the file can't be read."""
        try:
            return {name: one.value for name, one in _all(self._bots).items()}
        except OverrideError:
            return {}

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the settings, each in a sentence."""
        wrong = dict.fromkeys((*self._current.settings.problems, *self._current.refused))
        return (*map(str, wrong), *self._current.settings.warnings)

    def own(self) -> list[Entry]:
        """Whisperwatch's settings, in the order in which they are read."""
        return [self._entry(value) for value in self._current.settings.values.values()]

    async def bots(self) -> list[Entry]:
        """The settings that the bot has registered. Two processes that differ are told of as `8 / 20`."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for _, told in await self._calls.call_all("settings", {}):
            for one in told.get("settings", ()):
                found.setdefault(one["name"], []).append(one)
        return [self._bots_entry(several) for name, several in found.items() if name not in known()]

    async def get(self, name: str) -> Entry:
        """One setting, by any of its names.

        Raises:
            ConfigurationError: there is none.
        """
        values = self._current.settings.values
        own = values.get(name) or next(
            (value for value in values.values() if value.about is known().get(name)), None
        )
        if own is not None:
            return self._entry(own)
        bots = {entry.name: entry for entry in await self.bots()}
        if name not in bots:
            near = did_you_mean(nearest(name, [*known(), *bots])) or _REGISTER.format(name[:80])
            raise ConfigurationError(f"there is no setting {name[:80]}{near}")
        return bots[name]

    async def set(self, name: str, text: str, by: str) -> Change:
        """Set it from now on, and in later starts too.

        Raises:
            ConfigurationError: it can't be set, or not so; then nothing has changed.
        """
        async with self._changing:
            before = await self.get(name)
            if before.bots:
                return await self._set_of_the_bot(before, text, by)
            try:
                self._kept(self._own).set(before.name, text, by)
            except OverrideError as error:
                raise ConfigurationError(str(error)) from None
            return await self._taken_on(before)

    async def unset(self, name: str, by: str) -> Change:
        """Let the other layers speak again; of the bot's own setting, what it was when the bot started.

        Raises:
            ConfigurationError: it was not set.
        """
        async with self._changing:
            before = await self.get(name)
            if before.override is None:
                raise ConfigurationError(f"{before.name} was not set at run time: it is {before.value}")
            if before.bots:
                return await self._set_of_the_bot(before, None, by)
            try:
                self._kept(self._own).remove(before.name)
            except OverrideError as error:
                raise ConfigurationError(str(error)) from None
            return await self._taken_on(before)

    async def _taken_on(self, before: Entry) -> Change:
        if not self._current.reload():
            # a file was changed into something wrong meanwhile; the override waits for it to be mended
            problems = tuple(str(problem) for problem in self._current.refused)
            return Change(await self.get(before.name), before.value, problems)
        return Change(await self.get(before.name), before.value)

    async def _set_of_the_bot(self, before: Entry, text: str | None, by: str) -> Change:
        kept = self._kept(self._bots)
        results = await self._calls.call_all("set", {"name": before.name, "value": text})
        wrong = [told["error"] for _, told in results if told.get("wrong")]
        failed = [f"Process {source.pid}: {told['error']}" for source, told in results if told.get("error")]
        if wrong or len(failed) == len(results):
            shown_text = "" if text is None else f"={self._clean(before.name, text)[:80]}"
            raise ConfigurationError(f"{before.name}{shown_text} {(wrong or failed or ['is gone'])[0]}")
        try:
            if text is None:
                kept.remove(before.name)
            else:
                kept.put(before.name, text, by)
        except OverrideError as error:
            failed.append(f"It holds until the bot's next start only: {error}")
        return Change(await self.get(before.name), before.value, tuple(failed))

    def _kept(self, file: Any) -> Any:
        if file is None:
            raise ConfigurationError("there is no state directory in which a change could be kept")
        return file

    def _entry(self, value: Value) -> Entry:
        about = value.about
        names = [variable for variable in about.variables if "{signal}" not in variable]
        overrides = self._overridden(self._own)
        found = next((overrides[n] for n in (value.name, *names, about.yaml or "") if n in overrides), None)
        may = about.changeable and not (about.secret or about.bot or about.later)
        text = shown(value)
        return Entry(
            value.name,
            text if about.secret or value.origin.layer == "default" else self._clean(value.name, text),
            str(value.origin),
            about.help.replace("`", ""),
            about.right,
            changeable=may,
            restart=not about.live,
            later=about.later,
            override=found,
            where=" or in ".join(["the environment"] * bool(names) + ["monitoring.yaml"] * bool(about.yaml)),
        )

    def _bots_entry(self, several: list[Mapping[str, Any]]) -> Entry:
        first = several[0]
        name = str(first["name"])
        values = dict.fromkeys("not known" if one["value"] is None else str(one["value"]) for one in several)
        override = self._overridden(self._bots).get(name)
        return Entry(
            name,
            self._clean(name, " / ".join(values)),
            _BOT if override is None else "override",
            str(first["help"]),
            str(first["right"]),
            override=override,
            bots=True,
        )

    def _overridden(self, file: OverrideFile | None) -> dict[str, Override]:
        try:
            return _all(file)
        except OverrideError:  # the settings' own problems tell of it
            return {}


def _all(file: OverrideFile | None) -> dict[str, Override]:
    return {} if file is None else file.all()
