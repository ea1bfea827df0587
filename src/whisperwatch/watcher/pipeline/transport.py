"""What every way to a collector has in common: a request goes out, and one of three things came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from whisperwatch.watcher.pipeline.protobuf import WireError, fields, utf8

Signal = Literal["spans", "metrics", "logs"]


class UnusableTransportError(RuntimeError):
    """What this transport needs isn't installed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The collector has it. `rejected` records of it were refused, `message` says why or warns."""

    rejected: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """It will never be taken. `reason` is a short name to count by, `message` a sentence."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Worth another try, not before `after_s` seconds where the collector said so."""

    message: str
    after_s: float | None = None


Outcome = Taken | Refused | Failed


class Transport(Protocol):
    """One way to a collector, for one signal."""

    async def send(self, body: bytes) -> Outcome:
        """Send a request, compressed where that is wanted. Never raises for what the network or the collector does."""

    async def close(self) -> None: ...


def answer(body: bytes) -> Taken:
    """What an Export…ServiceResponse says: its `partial_success`, if there is one.

    Raises:
        WireError: it is no such response.
    """
    rejected, message = 0, ""
    for field, partial in fields(body):
        if field != 1:
            continue
        if not isinstance(partial, bytes):
            raise WireError("partial_success is no message")
        for inner, value in fields(partial):
            if inner == 1 and isinstance(value, int):
                rejected = value if value < 1 << 63 else 0
            elif inner == 2 and isinstance(value, bytes):
                message = value.decode("utf-8", "replace")
    return Taken(rejected, message)


def printable(text: str, most: int = 200) -> str:
    """Text of a collector as it may stand in a log line."""
    return " ".join(utf8(text).decode().split())[:most]
