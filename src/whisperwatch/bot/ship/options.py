"""What the environment says about the ship: what has to be known before there is a watcher to ask."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

Mode = Literal["process", "thread", "off"]
MODES: Final = ("process", "thread", "off")


@dataclass(frozen=True, slots=True)
class Options:
    """How the ship sails.

    Attributes:
        mode: `WHISPERWATCH_WATCHER`: a watcher in a process of its own, in a thread of this one, or none.
        tape_bytes: `WHISPERWATCH_TAPE_BYTES`: what may wait for the watcher, in bytes (`16777216`, `16MB`).
        blocked_after_s: `WHISPERWATCH_BLOCKED_AFTER`: a loop that hasn't turned for so many seconds is blocked.
        faulthandler: `WHISPERWATCH_FAULTHANDLER`: whether faulthandler's timer names the code that holds the GIL.
        hello_timeout_s: how long a watcher may take to answer the hello.
    """

    mode: Mode = "process"
    tape_bytes: int = 16 * 1024 * 1024
    blocked_after_s: float = 0.25
    faulthandler: bool = True
    hello_timeout_s: float = 20.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Options:
        """The options that are set. A wrong one takes its default: the watcher reads all settings, and tells."""
        read: dict[str, Any] = {}
        for name, (variable, parse) in _VARIABLES.items():
            if value := environment.get(variable, "").strip():
                with contextlib.suppress(ValueError):
                    read[name] = parse(value)
        return cls(**read)


def _mode(value: str) -> Mode:
    if value.lower() not in MODES:
        raise ValueError(value)
    return cast(Mode, value.lower())


def _bytes(value: str) -> int:
    text = value.upper().removesuffix("IB").removesuffix("B").strip()
    power = "KMG".find(text[-1:]) + 1 if text[-1:] else 0
    number = int(float(text[:-1] if power else text) * 1024**power)
    if number < 65536:
        raise ValueError(value)
    return number


def _seconds(value: str) -> float:
    seconds = float(value.lower().removesuffix("s"))
    if not 0.05 <= seconds <= 3600:
        raise ValueError(value)
    return seconds


def _switch(value: str) -> bool:
    switches = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    if value.lower() not in switches:
        raise ValueError(value)
    return switches[value.lower()]


_VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "mode": ("WHISPERWATCH_WATCHER", _mode),
    "tape_bytes": ("WHISPERWATCH_TAPE_BYTES", _bytes),
    "blocked_after_s": ("WHISPERWATCH_BLOCKED_AFTER", _seconds),
    "faulthandler": ("WHISPERWATCH_FAULTHANDLER", _switch),
}
