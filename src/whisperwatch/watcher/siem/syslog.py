"""Messages as syslog carries them: RFC 5424, framed by their length (RFC 5425 over TLS, RFC 6587 over TCP)."""

from __future__ import annotations

import os
import re
from typing import Final

from whisperwatch.watcher.settings.siem import FACILITIES, Siem
from whisperwatch.watcher.siem.event import SecurityEvent
from whisperwatch.watcher.siem.formats import FORMATS
from whisperwatch.watcher.siem.kinds import grade_of

_NONE: Final = "-"
_UNPRINTABLE: Final = re.compile(r"[^!-~]")
_LONGEST_HOST: Final = 255


def message(event: SecurityEvent, settings: Siem) -> str:
    """A message without its frame; it is one line. No byte order mark stands before the text, though RFC 5424 wants
    one before UTF-8: parsers of CEF and JSON trip over it."""
    priority = FACILITIES[settings.facility] * 8 + grade_of(event.outcome).syslog
    host = _UNPRINTABLE.sub("", event.host)[:_LONGEST_HOST] or _NONE
    header = f"<{priority}>1 {event.time} {host} {settings.tag} {os.getpid()} security {_NONE}"
    return f"{header} {FORMATS[settings.format](event)}"


def framed(message: str) -> bytes:
    """A message as it is sent."""
    body = message.encode("utf-8", "replace")
    return b"%d %b" % (len(body), body)
