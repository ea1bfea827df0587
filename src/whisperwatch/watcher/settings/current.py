"""The settings in force in a running watcher: looked at anew when a file changes, swapped whole or not at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .files import File, files
from .load import CODE, Settings, directories, load
from .overrides import NAME
from .reading import Problem
from .show import shown
from .table import save

Changed = Callable[[Settings, Settings], None]
"""Told the settings before and those after."""
LOOK_S: Final = 1.0
"""A look is three `stat`s."""
_log = logging.getLogger("whisperwatch.settings")


class Current:
    """Holds the newest good settings.

    Args:
        environ, directory, code: see `load`.
        state: the state directory, whose overrides count; None for none.

    Attributes:
        settings: in force.
        refused: what is wrong with the files as they are now, while the settings before them stay; else empty.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        directory: Path | Sequence[Path] | None = None,
        state: Path | None = None,
        code: Mapping[str, Any] | None = None,
    ) -> None:
        self._environ, self._folders = environ, directories(directory)
        self._overrides = None if state is None else state / NAME
        self._state = state
        self._code = dict(code or {})
        self._listeners: list[Changed] = []
        self._seen = self._applied = self._stamps()
        self.settings = self._load()
        self.refused: tuple[Problem, ...] = ()
        save(state, self.settings)

    def subscribe(self, changed: Changed) -> None:
        """Have `changed` called after each swap, on the watcher's loop."""
        self._listeners.append(changed)

    def say(self, code: Mapping[str, Any]) -> None:
        """What a bot's program itself sets, by the settings' names, added to what others said."""
        if not code or self._code == self._code | dict(code):
            return
        self._code |= code
        if not self.refused:  # else they are taken on with the next good files
            self._swap(self._load())

    def reload(self) -> bool:
        """Read all anew. False, and the settings before stay, if a file is wrong; every mistake is logged."""
        self._seen = self._applied = self._stamps()
        new = self._load()
        self.refused = tuple(problem for problem in new.problems if problem.place not in ("", CODE))
        if self.refused:
            _log.error(
                "the changed settings are refused, those before stay in force:\n%s",
                "\n".join(map(str, self.refused)),
            )
            for listener in self._listeners:
                self._tell(listener, self.settings)
            return False
        self._swap(new)
        return True

    def look(self) -> bool:
        """Reload if a file has changed, and has been left alone since the last look; True if so."""
        before, self._seen = self._seen, self._stamps()
        if self._seen == self._applied or self._seen != before:
            return False
        self.reload()
        return True

    async def paced(
        self, run: Callable[[float], Coroutine[Any, Any, None]], interval_s: Callable[[Settings], float]
    ) -> None:
        """Be the loop `run(interval_s)` of a part, begun anew when the interval changes, until cancelled."""
        changed = asyncio.Event()
        self.subscribe(lambda old, new: changed.set() if interval_s(old) != interval_s(new) else None)
        while True:
            task = asyncio.create_task(run(interval_s(self.settings)))
            try:
                await changed.wait()
                changed.clear()
            finally:
                task.cancel()

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.look()
            except Exception:
                _log.exception("the settings could not be read anew; those before stay in force")

    def _load(self) -> Settings:
        return load(self._environ, self._folders, code=self._code, overrides=self._overrides)

    def _stamps(self) -> tuple[tuple[Path, object], ...]:
        found = files(self._environ, self._folders)
        if self._overrides is not None:
            found.append(File(self._overrides, None))
        return tuple((file.path, file.stamp()) for file in found)

    def _swap(self, new: Settings) -> None:
        old, self.settings = self.settings, new
        save(self._state, new)
        if news := changes(old, new):
            _log.warning("the settings have changed: %s", "; ".join(news))
        for listener in self._listeners:
            self._tell(listener, old)

    def _tell(self, listener: Changed, old: Settings) -> None:
        try:
            listener(old, self.settings)
        except Exception:
            _log.exception("changed settings could not be taken on")


def changes(old: Settings, new: Settings) -> list[str]:
    """What has changed, with what still needs a new start."""
    return [
        f"{name} is {shown(value)} ({value.origin})"
        + ("" if value.about.live or value.about.later else ", in force after a restart of the bot")
        for name, value in new.values.items()
        if name in old.values and value.value != old.values[name].value
    ]
