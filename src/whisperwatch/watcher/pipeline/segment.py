"""A file of the spool: requests of one signal, one behind the other.

It is only appended to, by the watcher that made it. Each request, compressed, has a head before it, with its length and
the checksums of both; what of it changes is one byte, once the request is delivered. So whatever a kill or a power cut
leaves can be read: what is whole counts, and a torn end ends the file.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast, get_args

from whisperwatch.watcher.pipeline.transport import Signal

MAGIC: Final = b"WWSPOOL1"
_HEAD: Final = struct.Struct("<sIIII")
"""State, length of the body, its records, its checksum, and the checksum of the three before."""
_CHECKED: Final = struct.Struct("<III")
_WAITS, _DONE = b"w", b"d"
_LEVEL: Final = 1
"""Telemetry repeats itself: higher levels cost several times as much and save little."""
_SIGNALS: Final = get_args(Signal)


class DamagedError(ValueError):
    """What is in a file is not what was written there."""


class Frame(NamedTuple):
    """A request in a file: where it begins and ends, how many records it has, and whether they still wait."""

    start: int
    end: int
    records: int
    checksum: int
    waits: bool


def packed(body: bytes, records: int) -> bytes:
    """A request as it is appended."""
    body = zlib.compress(body, _LEVEL)
    checked = (len(body), records, zlib.crc32(body))
    return _HEAD.pack(_WAITS, *checked, zlib.crc32(_CHECKED.pack(*checked))) + body


class Segment:
    """One file.

    Attributes:
        size: bytes of it that can be read.
        position: where the first request begins that waits.
        records: that wait.
    """

    def __init__(self, path: Path, signal: Signal, generation: int) -> None:
        self.path, self.signal, self.generation = path, signal, generation
        self.size = self.position = len(MAGIC)
        self.records = 0
        self._writer: int | None = None

    @classmethod
    def make(cls, directory: Path, signal: Signal, generation: int) -> Segment:
        """A new one, to be appended to.

        Raises:
            OSError: the disk doesn't take it.
        """
        made = cls(directory / f"{generation:010}.{signal}", signal, generation)
        made._writer = os.open(made.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            made._write(MAGIC, 0)
        except OSError:
            made.remove()
            raise
        return made

    @classmethod
    def find(cls, path: Path) -> Segment:
        """What an earlier watcher left.

        Raises:
            DamagedError: it is no file of a spool.
            OSError: it can't be read.
        """
        number, _, signal = path.name.partition(".")
        if not number.isdecimal() or signal not in _SIGNALS:
            raise DamagedError("its name is none of the spool's")
        found = cls(path, cast("Signal", signal), int(number))
        with path.open("rb", buffering=0) as file:
            if not MAGIC.startswith(begin := file.read(len(MAGIC))):
                raise DamagedError("it doesn't begin as a file of the spool does")
            for frame in _frames(file) if begin == MAGIC else ():
                found.size = frame.end
                if frame.waits:
                    found.records += frame.records
                elif not found.records:
                    found.position = frame.end
        return found

    @property
    def waits(self) -> bool:
        """Whether there is a request in it that waits."""
        return self.position < self.size

    @property
    def descriptor(self) -> int | None:
        """Of the file, while it is appended to."""
        return self._writer

    def append(self, frame: bytes, records: int) -> None:
        """Append what `packed` made.

        Raises:
            OSError: the disk doesn't take it; the file is as before, and takes no more.
        """
        try:
            self._write(frame, self.size)
        except OSError:
            self.close()
            raise
        self.size += len(frame)
        self.records += records

    def first(self) -> tuple[bytes, int]:
        """The first request that waits, and the number of its records.

        Raises:
            DamagedError: it is not what was written.
            OSError: it can't be read.
        """
        with self.path.open("rb", buffering=0) as file:
            frame = _frame_at(file, self.position)
            body = _read(file, frame.end - frame.start - _HEAD.size)
        if zlib.crc32(body) != frame.checksum:
            raise DamagedError("a request is damaged")
        return zlib.decompress(body), frame.records

    def done(self) -> None:
        """The first request that waits is delivered. Where that can't be written, a later watcher sends it again.

        Raises:
            DamagedError, OSError: what follows it can't be found.
        """
        with self.path.open("rb", buffering=0) as file:
            frame = _frame_at(file, self.position)
        with suppress(OSError), self.path.open("r+b", buffering=0) as file:
            file.seek(frame.start)
            file.write(_DONE)
        self.position = frame.end
        self.records -= frame.records

    def close(self) -> None:
        """Append no more."""
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None

    def remove(self) -> None:
        """The file is of no use any more."""
        self.close()
        with suppress(OSError):
            self.path.unlink()

    def _write(self, data: bytes, at: int) -> None:
        assert self._writer is not None
        try:
            done = os.write(self._writer, data)
            if done < len(data):
                raise OSError(28, os.strerror(28))
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._writer, at)
            raise


def _frames(file: BinaryIO) -> Iterator[Frame]:
    size = os.fstat(file.fileno()).st_size
    at = len(MAGIC)
    with suppress(DamagedError):
        while (frame := _frame_at(file, at)).end <= size:
            yield frame
            at = frame.end


def _frame_at(file: BinaryIO, at: int) -> Frame:
    file.seek(at)
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise DamagedError("a head is cut short")
    state, length, records, checksum, own = _HEAD.unpack(head)
    if own != zlib.crc32(_CHECKED.pack(length, records, checksum)):
        raise DamagedError("a head is damaged")
    return Frame(at, at + _HEAD.size + length, records, checksum, state != _DONE)


def _read(file: BinaryIO, size: int) -> bytes:
    parts = []
    while size and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
