"""What was set at run time, kept in the state directory so that it outlives a restart: the strongest layer."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .misspelt import did_you_mean, nearest
from .origin import Given
from .reading import About, Problem, masked

NAME: Final = "overrides.json"
_LARGEST: Final = 2**20


class OverrideError(ValueError):
    """A setting can't be set so; the message says why, for people."""


class Overrides:
    """The file of overrides.

    Args:
        path: the file, `NAME` in the state directory.
        known: what is told of every setting, by name: `load.known()`.
    """

    def __init__(self, path: Path, known: Mapping[str, About]) -> None:
        self.path, self._known = path, known

    def get(self, name: str) -> Any:
        """What `name` was set to, as it was written; None where it wasn't.

        Raises:
            OverrideError: there is no such setting, or the file can't be read.
        """
        self._about(name)
        return self._read().get(name)

    def set(self, name: str, value: str | float | bool) -> None:
        """Set `name` from now on; the watcher takes it on when it next looks at its files.

        Raises:
            OverrideError: there is no such setting, it can't be set at run time, or `value` is wrong for it.
        """
        about = self._about(name)
        if about.secret:
            raise OverrideError(f"{name} is a secret: set it in the environment, or {name}_FILE")
        if about.bot:
            raise OverrideError(f"{name} is read in the bot's process too: set it in the environment")
        try:
            about.parse(value)
        except ValueError as error:
            raise OverrideError(f"{name}={masked(str(value))} {error}; it should be {about.right}") from None
        self._write({**self._read(), name: value})

    def remove(self, name: str) -> bool:
        """Let the other layers speak again; False where nothing was set. Of a name that is no setting any more too.

        Raises:
            OverrideError: the file can't be read or written.
        """
        kept = self._read()
        if name not in kept:
            return False
        del kept[name]
        self._write(kept)
        return True

    def _about(self, name: str) -> About:
        if name not in self._known:
            raise OverrideError(f"there is no setting {name[:80]}{did_you_mean(nearest(name, self._known))}")
        return self._known[name]

    def _read(self) -> dict[str, Any]:
        found, problems = read_overrides(self.path)
        if problems:
            raise OverrideError(str(problems[0]))
        return {name: given.value for name, given in found.items()}

    def _write(self, kept: Mapping[str, Any]) -> None:
        """Whole or not at all: the watcher may read at any time."""
        new = self.path.with_name(f"{NAME}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(kept, file, indent=1, sort_keys=True)
            os.replace(new, self.path)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise OverrideError(f"{self.path} can't be written ({error.strerror})") from None


def read_overrides(path: Path | None) -> tuple[dict[str, Given], list[Problem]]:
    """What was set at run time, and what is wrong with its file, which then says nothing."""
    if path is None or not path.exists():
        return {}, []
    right = "a JSON object of settings and their values (delete it to be without)"
    try:
        text = path.read_bytes()[: _LARGEST + 1]
        content = json.loads(text)
    except OSError as error:
        return {}, [Problem(NAME, str(path), f"can't be read ({error.strerror})", right, NAME)]
    except (ValueError, RecursionError):
        return {}, [Problem(NAME, str(path), "is no JSON", right, NAME)]
    simple = isinstance(content, dict) and all(isinstance(v, str | int | float) for v in content.values())
    if not simple:
        return {}, [Problem(NAME, str(path), "holds something else", right, NAME)]
    return {name: Given(value, NAME) for name, value in content.items()}, []
