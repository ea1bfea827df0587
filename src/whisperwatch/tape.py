"""What crosses from the bot's process to the watcher's and back: the kinds of record, their shapes, the framing.

A frame is four bytes of length (big endian) and a body: `M`, a CRC-32 and a `marshal`led tuple, or `J` and the tuple as
JSON. The tuple's first item is the frame's kind. Both ends are the same version of this package on the same machine
under the same user, so `marshal` is safe and is the fastest thing that Python has; another `VERSION`, or another
Python, is refused by the hello, so the hello is JSON.

Times on the tape are nanoseconds of `time.monotonic_ns()`; a batch carries the offset that turns them into wall time.

Records are tuples, because tuples are what the hot path can afford. Their fields, in order:

SPAN        (trace_id, span_id, parent_span_id, flags, trace_state, name, kind, start, end,
             static_attributes, attributes, status_code, description, events, links, scope, dropped)
            ids are ints, parent 0 is none; flags: the W3C trace flags, | PARENT_REMOTE; trace_state is its W3C header
            or None; kind and status_code are the OTel API's enum values; static_attributes is the number of a defined
            attribute set (0 is none); attributes a dict or None, and wins over the static set; events: tuple of
            EVENT or None; links: tuple of LINK or None; scope the number of a defined scope; dropped: None or
            (attributes, events, links) that the span limits cut off.
EVENT       (name, time, attributes | None, dropped_attributes)
LINK        (trace_id, span_id, flags, trace_state | None, attributes | None, dropped_attributes)
DEFINITION  ("scope", number, name, version, schema_url, attributes | None)
            ("attributes", number, dict)
            ("instrument", number, scope, name, kind, unit, description, bounds | None)   kind: as semconv.Kind
            ("cell", number, instrument, attributes, start)
            ("endpoint", number, system, dict)   a server that the bot uses, for the watcher's own health checks alone:
            system is "postgresql", "redis", "chroma", "qdrant", "openai", "anthropic" or "http"; the dict has the
            arguments as the bot gave them to its library (host, port, user, password, database …), the plain ones
            (str, int, float, bool, None); "opaque" lists the names of the others. There are secrets among them: they
            stay in the watcher's memory, and are neither exported, stored, shown nor logged.
            numbers count from 1, apart for each sort; a definition is never changed or taken back.
LOG         (time, severity_number, severity_text, logger, body, attributes | None, trace_id, span_id, flags,
             code | None, exception | None, event_name | None)
            severity_number as OpenTelemetry has it; body and the values of attributes (str, int, float, bool) are
            without the user's own words; ids are ints, 0 is none; code: (file, line, function);
            exception: (type, message, frames, cause | None), frames a tuple of (file, line, function), innermost last,
            and cause the same again.
CELL        (number, value)                                      of a sum or a gauge: its value so far
            (number, count, sum, min, max, bucket_counts, exemplars | None)     of a histogram, so far;
            bucket_counts has one more item than bounds; exemplars: the newest of each bucket since the last time,
            a tuple of (value, time, trace_id, span_id)
            Values are cumulative since the cell's start, so a lost or doubled CELL changes nothing.
"""

from __future__ import annotations

import json
import marshal
import os
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, Final

from whisperwatch.version import __version__

VERSION: Final = 3
MAX_FRAME: Final = 64 * 1024 * 1024

# bot → watcher
CODE_VARIABLE: Final = "_WHISPERWATCH_CODE"
"""Carries the settings that the bot's own code made to the watcher that it starts, as JSON; the HELLO has them too."""
HELLO: Final = "hello"
"""(HELLO, dict), as JSON; see `hello()`."""
BATCH: Final = "batch"
"""(BATCH, seq, wall_offset_ns, definitions, spans, cells, beat, logs). `seq` counts from 1 on each connection, on which
every definition and every cell is sent again, definitions before what names them. `beat` is a BEAT dict. The sender may
give `spans` and `logs` as `pack_records` made them (so that a record is marshaled once, however often it is sent); the
reader always finds lists."""
GOODBYE: Final = "goodbye"
"""(GOODBYE, seq, reason): an orderly end after `seq` batches; the bot waits (bounded) for FAREWELL."""
ASK: Final = "ask"
"""(ASK, number, question, arguments), as JSON: what an admin asks, see `whisperwatch.questions`. The answer carries the
same number. Who is no bot, a terminal, says it instead of the HELLO, and gets an answer and no more."""
RESULT: Final = "result"
"""(RESULT, number, dict): what came of the CALL of that number. Its `error` is a sentence where nothing did."""

# watcher → bot
WELCOME: Final = "welcome"
"""(WELCOME, dict), as JSON: tape, pid, version, instance (str), restarts (int), url (str | None), settings (dict:
`bot_settings` that the bot needs, see `watcher.settings`), overrides (dict: what an admin has set of the bot's own
settings), problems (list of str: to be logged by the bot)."""
REFUSED: Final = "refused"
"""(REFUSED, dict), as JSON: reason (str). The bot doesn't try this watcher again."""
ACK: Final = "ack"
"""(ACK, seq, passed_spans, passed_logs): batches up to `seq` were taken in; so many spans and logs of this connection
are safe (exported, in the spool, or dropped and counted by the watcher). Comes for each batch with spans or logs, for
each while somebody waits for an ANSWER (so a watcher that is stopped is told from one that is at work), and when more
are safe."""
NOTE: Final = "note"
"""(NOTE, level, text): something for the operator; the bot logs it, because its log is where people look."""
FAREWELL: Final = "farewell"
"""(FAREWELL, seq): everything up to `seq` is safe; the watcher will not call this end a crash."""
ANSWER: Final = "answer"
"""(ANSWER, number, dict): `embeds` (list of Discord's embed JSON), `text` (the same in plain text), `status` (of the
answer as a whole, or None), `error` (a sentence, where there is no answer; else None), and where there are any: `files`
(list of (name, bytes)), `buttons` (list of dicts: label, question, arguments, disabled): what asks them puts the answer
in this one's place."""

CALL: Final = "call"
"""(CALL, number, name, arguments), as JSON: something that only the bot's process can do, see `bot.ship.calls`."""

PARENT_REMOTE: Final = 0x100
"""In SPAN.flags and LINK.flags: the context that it names came from another process."""

# BEAT: what health needs to know at once. A dict with the keys
#   sent        monotonic ns at which the batch was packed
#   loop        None, or (last_turn_ns, where | None): when the bot's loop last turned, and, while it is blocked, the
#               innermost (file, line, function) frames of the bot's thread, a tuple of tuples, innermost last
#   bots        list of {"name", "ready": bool, "closed": bool, "shards": {shard_id: {"up": bool, "latency": s | None,
#               "last_event": ns | None}}, "lacks": {privileged intent that it needs: why}}
#   thread      the ident of the loop's thread, as `threading.get_ident` has it; or None
#   tape        (bytes waiting, spans dropped or lost so far)
#   users       ids of users whom the bots have answered since the last beat; they are hashed before they are kept
#   hosted      the signals ("spans", "metrics", "logs") that go to the host's own providers, which export them
#   hosts       (host, port) pairs: where the bots find Discord, or the proxy before it
#   checks      of the bot's own health checks: list of {"name", "critical": bool, "status", "text", "took_s": s | None}
# A bot has `lacks` too: privileged intents that it needs and didn't ask for, {name: why}.
# Keys may be added; the reader takes what it knows.

_LENGTH = struct.Struct(">I")
HEADER_SIZE: Final = _LENGTH.size
_JSON_KINDS = frozenset({HELLO, WELCOME, REFUSED, ASK, CALL})
_CHECKED: Final = 1 + _LENGTH.size
"""Where a marshaled body begins, after its letter and its checksum."""
_PYTHON: Final = sys.version.split()[0]
_PACKED: Final = (4, 7)
"""Where a BATCH has its spans and its logs."""


class TapeError(ConnectionError):
    """The other end speaks no tape of ours: a frame too long, cut short, or not decodable."""


def pack(frame: tuple[Any, ...]) -> bytes:
    """One frame as bytes.

    Raises:
        TapeError: the frame is longer than `MAX_FRAME`.
    """
    if frame[0] in _JSON_KINDS:
        body = b"J" + json.dumps(frame, default=repr).encode()
    else:
        # of what isn't its own, marshal makes gigabytes, or worse: it is asked only about what arrived unharmed
        packed = _dump(frame)
        body = b"M" + _LENGTH.pack(zlib.crc32(packed)) + packed
    if len(body) > MAX_FRAME:
        raise TapeError(f"a frame of {len(body)} bytes is over the limit of {MAX_FRAME}")
    return _LENGTH.pack(len(body)) + body


def pack_records(records: list[tuple[Any, ...]]) -> bytes:
    """Spans or logs as a BATCH may carry them."""
    return _dump(records)


def body_size(header: bytes) -> int:
    """The length of the body that follows this header.

    Raises:
        TapeError: it is over `MAX_FRAME`, so this is no tape.
    """
    (size,) = _LENGTH.unpack(header)
    if not 0 < size <= MAX_FRAME:
        raise TapeError(
            f"a frame announces {size} bytes; the limit is {MAX_FRAME}: the other end speaks no tape"
        )
    return int(size)


def unpack(body: bytes | memoryview, *, json_only: bool = False) -> tuple[Any, ...]:
    """The frame in a body. `json_only`: before the hello nobody is trusted with `marshal`.

    Raises:
        TapeError: it can't be decoded, or is no frame.
    """
    first = bytes(body[:1])
    try:
        if first == b"J":
            frame: Any = json.loads(bytes(body[1:]))
        elif first == b"M" and not json_only:
            packed = memoryview(body)[_CHECKED:]
            if zlib.crc32(packed) != _LENGTH.unpack(body[1:_CHECKED])[0]:
                raise TapeError("a frame does not have the checksum that it says")
            frame = marshal.loads(packed)
            if isinstance(frame, tuple) and frame[:1] == (BATCH,):
                frame = _unpacked(frame)
        else:
            raise TapeError(f"a frame begins with {first!r}: the other end speaks no tape")
    except (ValueError, EOFError, TypeError, IndexError, struct.error) as error:
        raise TapeError(f"a frame could not be decoded: {error!r}") from error
    if not isinstance(frame, list | tuple) or not frame or not isinstance(frame[0], str):
        raise TapeError(f"a frame is {frame!r:.60}, and no frame of the tape")
    return tuple(frame)


def _unpacked(batch: tuple[Any, ...]) -> tuple[Any, ...]:
    fields = list(batch)
    for place in _PACKED:
        if place < len(fields) and isinstance(fields[place], bytes):
            fields[place] = marshal.loads(fields[place])
    return tuple(fields)


class Incoming:
    """Puts frames together from what a non-blocking socket gave. For the bot's end, whose frames are few and small."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, received: bytes) -> Iterator[tuple[Any, ...]]:
        """The frames that are complete by now.

        Raises:
            TapeError: the other end speaks no tape.
        """
        self._received += received
        while len(self._received) >= HEADER_SIZE:
            end = HEADER_SIZE + body_size(bytes(self._received[:HEADER_SIZE]))
            if len(self._received) < end:
                return
            body = bytes(self._received[HEADER_SIZE:end])
            del self._received[:end]
            yield unpack(body)


def hello(**about: Any) -> tuple[str, dict[str, Any]]:
    """The HELLO of this process. `about` adds `resource` (dict of attributes), `bots` (list of names), and so on.

    Its keys: tape, version, python, marshal, pid; of `bot.ship` also read_stacks (bool: whether the watcher may read
    its stacks from outside) and main (the name of its main script, without its folder, or None); unsupported,
    where there are any (list of str: libraries that can't be watched and why, for `check`); of `bot.watch` also
    settings (what the bot's own code set, by the settings' names).
    """
    return HELLO, {
        "tape": VERSION,
        "version": __version__,
        "python": _PYTHON,
        "marshal": marshal.version,
        "pid": os.getpid(),
        **about,
    }


def mismatch(greeting: dict[str, Any]) -> str | None:
    """Why a process with this HELLO can't be talked to, as a sentence for its log; None when it can."""
    if greeting.get("tape") != VERSION:
        return (
            f"the watcher speaks version {VERSION} of the tape (whisperwatch {__version__}), the bot version "
            f"{greeting.get('tape')!r} (whisperwatch {greeting.get('version')!r}): stop every process of the bot and "
            f"start them again, so that all run the same version"
        )
    if greeting.get("marshal") != marshal.version:
        return (
            f"the watcher runs on Python {_PYTHON}, the bot on {greeting.get('python')!r}, and their "
            f"data formats differ: run all processes of the bot on one Python, or set another WHISPERWATCH_STATE_DIR"
        )
    return None


def _dump(value: Any) -> bytes:
    try:
        return marshal.dumps(value)
    except ValueError:  # it holds something else than the plain types, such as a member of a StrEnum
        return marshal.dumps(_plain(value))


def _plain(value: Any) -> Any:
    """The same in types that `marshal` knows: subclasses as what they are of, anything else as its text."""
    match value:
        case None | bool():
            return value
        case str():
            return str.__str__(value)
        case int():
            return int.__index__(value)
        case float():
            return float.__float__(value)
        case bytes():
            return bytes(value)
        case Mapping():
            return {_plain(key): _plain(item) for key, item in value.items()}
        case tuple():
            return tuple(map(_plain, value))
        case Sequence() | Set():
            return list(map(_plain, value))
    return repr(value)
