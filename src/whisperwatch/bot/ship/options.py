"""What has to be known before there is a watcher to ask. All other settings the watcher reads, and tells in WELCOME."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Mode = Literal["process", "thread", "off"]
MODES: Final = get_args(Mode)
_OFF: Final = ("false", "0", "no", "off")


@dataclass(frozen=True, slots=True)
class Options:
    """How the ship sails.

    Attributes:
        mode: `WHISPERWATCH_WATCHER`: a watcher in a process of its own, in a thread of this one, or none.
        read_stacks: `WHISPERWATCH_READ_STACKS`: whether the watcher may read where the code is that holds the GIL.
        tape_bytes: what may wait for the watcher, until that tells what `WHISPERWATCH_TAPE_BYTES` is.
        blocked_after_s: a loop that hasn't turned for so long is blocked, until the watcher tells what
            `WHISPERWATCH_BLOCKED_AFTER` is.
        hello_timeout_s: how long a watcher may take to answer the hello.
    """

    mode: Mode = "process"
    read_stacks: bool = True
    tape_bytes: int = 16 * 1024 * 1024
    blocked_after_s: float = 0.25
    hello_timeout_s: float = 20.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Options:
        """The options that are set. A wrong one takes its default: the watcher reads them too, and tells of it."""
        mode: Any = environment.get("WHISPERWATCH_WATCHER", "").strip().lower()
        switch = environment.get("WHISPERWATCH_READ_STACKS", "").strip().lower()
        return cls(mode=mode if mode in MODES else cls().mode, read_stacks=switch not in _OFF)
