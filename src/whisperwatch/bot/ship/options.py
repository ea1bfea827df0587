"""What the environment says about the ship: what has to be known before there is a watcher to ask."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

logger = logging.getLogger("whisperwatch")

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
        """The options that are set; a wrong one is logged, with what would be right, and its default is used."""
        read: dict[str, Any] = {}
        for name, (variable, parse, right) in _VARIABLES.items():
            value = environment.get(variable, "").strip()
            if not value:
                continue
            try:
                read[name] = parse(value)
            except ValueError:
                default = getattr(cls(), name)
                logger.warning(
                    "%s=%s is not understood: it takes %s. Using %s.", variable, value, right, default
                )
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


_VARIABLES: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "mode": ("WHISPERWATCH_WATCHER", _mode, "process, thread or off"),
    "tape_bytes": ("WHISPERWATCH_TAPE_BYTES", _bytes, "a size such as 16MB, at least 64KB"),
    "blocked_after_s": ("WHISPERWATCH_BLOCKED_AFTER", _seconds, "seconds from 0.05 to 3600"),
    "faulthandler": ("WHISPERWATCH_FAULTHANDLER", _switch, "true or false"),
}
