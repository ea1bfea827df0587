"""The Common Event Format, version 0, by ArcSight's CEF Implementation Standard.

In the header `|` and `\\` are escaped, in the extension `=` and `\\`; nothing of an event can end its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whisperwatch.version import __version__
from whisperwatch.watcher.siem.event import TERMINAL, SecurityEvent, one_line
from whisperwatch.watcher.siem.kinds import grade_of, kind_of

_LONGEST: Final = 255
"""Characters of a value: no key that is used here takes fewer, but for `dvchost` (100)."""


def cef(event: SecurityEvent) -> str:
    """The event as a line."""
    kind, grade = kind_of(event.kind), grade_of(event.outcome)
    header = (
        "CEF:0", "Whisperwatch", "Whisperwatch", __version__, event.kind, f"{kind.title} {event.outcome}", grade.cef
    )  # fmt: skip
    extension = " ".join(f"{key}={_value(value)}" for key, value in _extension(event) if value)
    return f"{'|'.join(_header(str(field)) for field in header)}|{extension}"


def _extension(event: SecurityEvent) -> Iterator[tuple[str, str]]:
    yield "rt", str(event.milliseconds)
    yield "externalId", event.uid
    yield "cat", kind_of(event.kind).category
    yield "act", event.outcome
    yield "outcome", grade_of(event.outcome).result
    yield ("suser" if event.user == TERMINAL else "suid"), event.user
    yield "destinationServiceName", event.service
    yield "deviceExternalId", event.instance
    yield "dvchost", event.host
    labelled = (("target", event.target), ("traceId", event.trace_id), ("spanId", event.span_id))
    for number, (label, value) in enumerate(labelled, 1):
        if value:
            yield f"cs{number}Label", label
            yield f"cs{number}", value


def _header(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    return one_line(text)[:_LONGEST].replace("\\", "\\\\").replace("=", "\\=")
