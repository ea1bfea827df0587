"""What was set at run time, kept in the state directory so that it outlives a restart: the strongest layer.

Two files of one shape: Whisperwatch's own settings, and those that the bot has registered, which the bot checks itself.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from .misspelt import did_you_mean, nearest
from .origin import Given
from .reading import About, Problem, masked

NAME: Final = "overrides.json"
BOT_NAME: Final = "bot-settings.json"
_LARGEST: Final = 2**20
_RIGHT: Final = "a JSON object of settings and their values (delete it to be without)"


class OverrideError(ValueError):
    """A setting can't be set so; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Override:
    """One setting that was set.

    Attributes:
        value: as it was written.
        by: who set it: `terminal`, or a user's keyed hash; empty where the file doesn't say.
        at: when, in unix seconds; 0 where the file doesn't say.
    """

    value: str | int | float | bool
    by: str = ""
    at: float = 0.0


class OverrideFile:
    """The settings that were set, in one file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> dict[str, Override]:
        """By the settings' names.

        Raises:
            OverrideError: the file can't be read.
        """
        found, problems = _read(self.path)
        if problems:
            raise OverrideError(str(problems[0]))
        return found

    def put(self, name: str, value: str | float | bool, by: str = "") -> None:
        """Keep it; any value is taken.

        Raises:
            OverrideError: the file can't be read or written.
        """
        self._write({**self.all(), name: Override(value, by, time.time())})

    def remove(self, name: str) -> bool:
        """Let the other layers speak again; False where nothing was set. Of a name that is no setting any more too.

        Raises:
            OverrideError: the file can't be read or written.
        """
        kept = self.all()
        if name not in kept:
            return False
        del kept[name]
        self._write(kept)
        return True

    def _write(self, kept: Mapping[str, Override]) -> None:
        """Whole or not at all: the watcher may read at any time."""
        new = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump({name: asdict(one) for name, one in kept.items()}, file, indent=1, sort_keys=True)
            os.replace(new, self.path)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise OverrideError(f"{self.path} can't be written ({error.strerror})") from None


class Overrides(OverrideFile):
    """Whisperwatch's own settings that were set at run time.

    Args:
        path: the file, `NAME` in the state directory.
        known: what is told of every setting, by name: `load.known()`.
    """

    def __init__(self, path: Path, known: Mapping[str, About]) -> None:
        super().__init__(path)
        self._known = known

    def get(self, name: str) -> Any:
        """What `name` was set to, as it was written; None where it wasn't.

        Raises:
            OverrideError: there is no such setting, or the file can't be read.
        """
        self.about(name)
        found = self.all().get(name)
        return None if found is None else found.value

    def set(self, name: str, value: str | float | bool, by: str = "") -> None:
        """Set `name` from now on; the watcher takes it on when it next looks at its files.

        Raises:
            OverrideError: there is no such setting, it can't be set at run time, or `value` is wrong for it.
        """
        about = self.about(name)
        if about.secret:
            raise OverrideError(f"{name} is a secret: set it in the environment, or {name}_FILE")
        if about.bot:
            raise OverrideError(f"{name} is read in the bot's process too: set it in the environment")
        if about.later:
            raise OverrideError(f"{name} is not used yet ({about.later}): setting it would do nothing")
        if not about.changeable:
            raise OverrideError(f"{name} can't be set at run time: set it in the environment, and start anew")
        try:
            about.parse(value)
        except ValueError as error:
            raise OverrideError(f"{name}={masked(str(value))} {error}; it should be {about.right}") from None
        self.put(name, value, by)

    def about(self, name: str) -> About:
        """What is told of a setting.

        Raises:
            OverrideError: there is no such setting.
        """
        if name not in self._known:
            raise OverrideError(f"there is no setting {name[:80]}{did_you_mean(nearest(name, self._known))}")
        return self._known[name]


def read_overrides(path: Path | None) -> tuple[dict[str, Given], list[Problem]]:
    """What was set at run time, and what is wrong with its file, which then says nothing."""
    found, problems = ({}, []) if path is None else _read(path)
    return {name: Given(one.value, NAME) for name, one in found.items()}, problems


def _read(path: Path) -> tuple[dict[str, Override], list[Problem]]:
    if not path.exists():
        return {}, []
    name = path.name
    try:
        text = path.read_bytes()[: _LARGEST + 1]
        content = json.loads(text)
    except OSError as error:
        return {}, [Problem(name, str(path), f"can't be read ({error.strerror})", _RIGHT, name)]
    except (ValueError, RecursionError):
        return {}, [Problem(name, str(path), "is no JSON", _RIGHT, name)]
    try:
        return {key: _override(value) for key, value in content.items()}, []
    except (AttributeError, TypeError, KeyError, ValueError):
        return {}, [Problem(name, str(path), "holds something else", _RIGHT, name)]


def _override(content: Any) -> Override:
    """As we write it, or the value alone, as somebody wrote it by hand."""
    if not isinstance(content, dict):
        content = {"value": content}
    value = content["value"]
    if not isinstance(value, str | int | float):
        raise TypeError("no plain value")
    return Override(value, str(content.get("by", "")), float(content.get("at", 0.0)))
