"""What crosses from the bot's process to the watcher's and back: the kinds of record, their shapes, the framing.

A frame is four bytes of length (big endian) and a `marshal`led tuple whose first item is the frame's kind. Both ends
are the same version of this package on the same machine under the same user, so `marshal` is safe and is the fastest
thing that Python has; another `VERSION`, or another Python, is refused by the hello, which is why the hello alone is JSON.

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
            numbers count from 1, apart for each sort; a definition is never changed or taken back.
CELL        (number, value)                                      of a sum or a gauge: its value so far
            (number, count, sum, min, max, bucket_counts, exemplars | None)     of a histogram, so far;
            bucket_counts has one more item than bounds; exemplars: the newest of each bucket since the last time,
            a tuple of (value, time, trace_id, span_id)
            Values are cumulative since the cell's start, so a lost or doubled CELL changes nothing.
"""

from __future__ import annotations

import json
import marshal
import struct
from typing import Any, Final

VERSION: Final = 1
MAX_FRAME: Final = 64 * 1024 * 1024

# bot → watcher
HELLO: Final = "hello"
"""(HELLO, dict), as JSON; see `hello()`."""
BATCH: Final = "batch"
"""(BATCH, seq, wall_offset_ns, definitions, spans, cells, beat). `seq` counts from 1 on each connection; the first
batch of a connection carries every definition and every cell. `beat` is a BEAT dict."""
GOODBYE: Final = "goodbye"
"""(GOODBYE, seq, reason): an orderly end; the bot waits (bounded) for FAREWELL."""

# watcher → bot
WELCOME: Final = "welcome"
"""(WELCOME, dict), as JSON: tape, pid, version, instance (str), restarts (int), url (str | None), settings (dict:
`bot_settings` that the bot needs, see `watcher.settings`), problems (list of str: to be logged by the bot)."""
REFUSED: Final = "refused"
"""(REFUSED, dict), as JSON: reason (str). The bot doesn't try this watcher again."""
ACK: Final = "ack"
"""(ACK, seq, passed_spans): batches up to `seq` were taken in; `passed_spans` of this connection are safe (exported,
in the spool, or dropped and counted by the watcher)."""
FAREWELL: Final = "farewell"
"""(FAREWELL, seq): everything up to `seq` is safe; the watcher will not call this end a crash."""

PARENT_REMOTE: Final = 0x100
"""In SPAN.flags and LINK.flags: the context that it names came from another process."""

# BEAT: what health needs to know at once. A dict with the keys
#   sent        monotonic ns at which the batch was packed
#   loop        None, or (last_turn_ns, where | None): when the bot's loop last turned, and, while it is blocked, the
#               innermost (file, line, function) frames of the bot's thread, a tuple of tuples, innermost last
#   bots        list of {"name", "ready": bool, "closed": bool, "shards": {shard_id: {"up": bool, "latency": s | None,
#               "last_event": ns | None}}}
#   tape        bytes waiting, dropped spans
# Keys may be added; the reader takes what it knows.

_LENGTH = struct.Struct(">I")
HEADER_SIZE: Final = _LENGTH.size
_JSON_KINDS = frozenset({HELLO, WELCOME, REFUSED})


class TapeError(ConnectionError):
    """The other end speaks no tape of ours: a frame too long, cut short, or not decodable."""


def pack(frame: tuple[Any, ...]) -> bytes:
    """One frame as bytes.

    Raises:
        TapeError: the frame is longer than `MAX_FRAME`.
        ValueError: it holds an object that `marshal` doesn't know.
    """
    if frame[0] in _JSON_KINDS:
        body = b"J" + json.dumps(frame).encode()
    else:
        body = b"M" + marshal.dumps(frame)
    if len(body) > MAX_FRAME:
        raise TapeError(f"a frame of {len(body)} bytes is over the limit of {MAX_FRAME}")
    return _LENGTH.pack(len(body)) + body


def body_size(header: bytes) -> int:
    """The length of the body that follows this header.

    Raises:
        TapeError: it is over `MAX_FRAME`, so this is no tape.
    """
    (size,) = _LENGTH.unpack(header)
    if not 0 < size <= MAX_FRAME:
        raise TapeError(f"a frame announces {size} bytes; the limit is {MAX_FRAME}: the other end speaks no tape")
    return int(size)


def unpack(body: bytes) -> tuple[Any, ...]:
    """The frame in a body.

    Raises:
        TapeError: it can't be decoded.
    """
    try:
        if body[:1] == b"J":
            return tuple(json.loads(body[1:]))
        if body[:1] == b"M":
            return tuple(marshal.loads(memoryview(body)[1:]))
    except (ValueError, EOFError, TypeError) as error:
        raise TapeError(f"a frame could not be decoded: {error}") from error
    raise TapeError(f"a frame begins with {body[:1]!r}; the other end speaks no tape")
