"""What health needs to know of a bot's process and of the export: `watcher.source` and the pipeline fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from whisperwatch.watcher.records import Records


class Ended(Protocol):
    """The end of a bot's process."""

    @property
    def unix(self) -> float:
        """When, in unix seconds."""

    @property
    def reason(self) -> str:
        """Why, as far as can be known, to be read after "it ended: "."""

    @property
    def orderly(self) -> bool:
        """Whether it said goodbye."""


class Store(Protocol):
    """How the embedded store is."""

    @property
    def problem(self) -> str | None:
        """Why it isn't written, a sentence; None while it is."""

    @property
    def since(self) -> float:
        """Since when it is so, in unix seconds."""

    @property
    def size_bytes(self) -> int: ...
    @property
    def warning(self) -> str | None:
        """What the operator should know of where it lies."""


class Source(Protocol):
    """One process of a bot."""

    @property
    def pid(self) -> int: ...
    @property
    def slot(self) -> int:
        """Which of this bot's processes on this machine, from 0; a restarted process gets its old slot."""

    @property
    def connected(self) -> bool: ...
    @property
    def connected_ns(self) -> int:
        """When it said hello (monotonic)."""

    @property
    def beat(self) -> Mapping[str, Any] | None:
        """The newest BEAT, see `whisperwatch.tape`."""

    @property
    def beat_received_ns(self) -> int:
        """When the newest beat came (monotonic); the hello's time before the first one."""

    @property
    def holder(self) -> tuple[tuple[str, int, str], ...] | None:
        """Frames of the thread that holds the GIL while no beat comes, innermost last, if known."""

    @property
    def unreadable(self) -> str | None:
        """Why these can't be read, a clause; None where they were, or nobody has tried."""

    @property
    def ended(self) -> Ended | None: ...
    @property
    def stream(self) -> Records:
        """What it has recorded, and the servers that it uses."""


class Export(Protocol):
    """How the way to the collector is."""

    @property
    def endpoint(self) -> str | None:
        """Where telemetry goes (without credentials); None while nothing is exported."""

    @property
    def failing_since(self) -> float | None:
        """Unix seconds of the first failure after the last success; None while all is well."""

    @property
    def last_success(self) -> float | None:
        """Unix seconds of the last time that the collector took something; None before the first."""

    @property
    def reached_since(self) -> float | None:
        """Unix seconds since when all that is sent is taken; None before anything was."""

    @property
    def error(self) -> str | None:
        """What the last failure was."""

    @property
    def refused(self) -> str | None:
        """What the collector would not take lately, and why; None where it took all."""

    @property
    def waiting_bytes(self) -> int: ...
    @property
    def spooled_bytes(self) -> int:
        """How many of them are on the disk."""

    @property
    def spool_problem(self) -> str | None:
        """Why nothing can wait on the disk; None where it can, or isn't to."""

    @property
    def dropped(self) -> int:
        """Records that were lost on the way out, since the watcher started."""


class Siem(Protocol):
    """How the way of security events to a SIEM is."""

    @property
    def endpoint(self) -> str: ...
    @property
    def failing_since(self) -> float | None:
        """Unix seconds of the first failure after the last success; None while all is well."""

    @property
    def reached_since(self) -> float | None:
        """Unix seconds since when it is connected; None while it isn't."""

    @property
    def error(self) -> str | None:
        """What the last failure was."""

    @property
    def waiting(self) -> int: ...
    @property
    def dropped(self) -> int:
        """Events that were lost on the way, since the watcher started."""
