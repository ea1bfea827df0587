"""A request as it waits: encoded, with what has to be told of it once it is settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from whisperwatch.watcher.pipeline.transport import Signal
from whisperwatch.watcher.records import Records

_sequence = count()


@dataclass(slots=True, eq=False)
class Request:
    """An encoded request.

    Attributes:
        origins: how many of its spans or logs came from which stream; nothing once they are safe.
        under_way: it is just being sent.
        spooled: it is on the disk.
    """

    signal: Signal
    body: bytes
    records: int
    origins: tuple[tuple[Records, int], ...] = ()
    under_way: bool = False
    spooled: bool = False
    number: int = field(default_factory=lambda: next(_sequence))
