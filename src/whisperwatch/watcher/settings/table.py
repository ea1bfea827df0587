"""All settings as rows for people and programs, and those of a running watcher as a file, secrets hidden."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any, Final

from .load import Settings, known
from .reading import Value
from .show import plain, shown

NAME: Final = "settings.json"


def row(value: Value) -> dict[str, Any]:
    """One setting: name, value (as JSON has it), shown (as people read it), from, and the rest where it is so."""
    about = value.about
    found: dict[str, Any] = {"name": value.name, "value": plain(value), "shown": shown(value)}
    found["from"] = str(value.origin)
    if about.yaml and about.yaml != value.name:
        found["key"] = about.yaml
    if about.secret:
        found["secret"] = True
    if about.later:
        found["not yet used"] = about.later
    return found


def rows(settings: Settings) -> list[dict[str, Any]]:
    """All of them, in the order of the page of settings' groups."""
    place = {name: number for number, name in enumerate(known())}
    return [row(settings.values[name]) for name in sorted(settings.values, key=place.__getitem__)]


def save(state: Path | None, settings: Settings) -> None:
    """Leave in the state directory what is in force, for `whisperwatch config --running`."""
    if state is None:
        return
    new = state / f"{NAME}.{secrets.token_hex(8)}"
    content = {
        "pid": os.getpid(),
        "settings": rows(settings),
        "problems": [str(p) for p in settings.problems],
    }
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file)
        os.replace(new, state / NAME)
    except OSError:  # the state directory has said so itself
        with contextlib.suppress(OSError):
            new.unlink()
