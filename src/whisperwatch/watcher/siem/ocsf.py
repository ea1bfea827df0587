"""The Open Cybersecurity Schema Framework: Authentication (3002) and API Activity (6003) of version 1.3.0.

What is written is valid by 1.1 to 1.8 too.
"""

from __future__ import annotations

from typing import Any, Final

from whisperwatch.version import __version__
from whisperwatch.watcher.siem.event import TERMINAL, SecurityEvent
from whisperwatch.watcher.siem.kinds import AUTHENTICATION, OTHER, grade_of, kind_of

VERSION: Final = "1.3.0"
_STATUS: Final = {"unknown": (0, "Unknown"), "success": (1, "Success"), "failure": (2, "Failure")}
_NOBODY: Final = "unknown"


def ocsf(event: SecurityEvent) -> dict[str, Any]:
    """The event as a document."""
    kind, grade = kind_of(event.kind), grade_of(event.outcome)
    status_id, status = _STATUS[grade.result]
    named = {"activity_name": kind.title} if kind.activity == OTHER else {}
    return {
        "category_uid": kind.ocsf.category_uid,
        "category_name": kind.ocsf.category_name,
        "class_uid": kind.ocsf.uid,
        "class_name": kind.ocsf.name,
        "activity_id": kind.activity,
        **named,
        "type_uid": kind.ocsf.uid * 100 + kind.activity,
        "time": event.milliseconds,
        "severity_id": grade.ocsf,
        "status_id": status_id,
        "status": status,
        "status_detail": event.outcome,
        "message": event.text,
        "metadata": _metadata(event),
        **(_authentication(event) if kind.ocsf is AUTHENTICATION else _call(event)),
        **_unmapped(event),
    }


def _metadata(event: SecurityEvent) -> dict[str, Any]:
    told = {
        "version": VERSION,
        "product": {"vendor_name": "Whisperwatch", "name": "Whisperwatch", "version": __version__},
        "uid": event.uid,
        "log_name": "bot.security",
        "event_code": event.kind,
    }
    return told | ({"correlation_uid": event.trace_id} if event.trace_id else {})


def _authentication(event: SecurityEvent) -> dict[str, Any]:
    return {"user": _user(event), "service": {"name": event.service or _NOBODY}}


def _call(event: SecurityEvent) -> dict[str, Any]:
    """`src_endpoint` has to be there: where somebody asked, as far as anybody knows."""
    asked_in = "discord" if event.kind.startswith("admin.") else _NOBODY
    service = {"service": {"name": event.service}} if event.service else {}
    told: dict[str, Any] = {
        "actor": {"user": _user(event)},
        "api": {"operation": event.kind, **service},
        "src_endpoint": {"name": TERMINAL if event.user == TERMINAL else asked_in},
    }
    return told | ({"resources": [{"name": event.target}]} if event.target else {})


def _user(event: SecurityEvent) -> dict[str, str]:
    if event.user in (TERMINAL, ""):
        return {"name": event.user or _NOBODY}
    return {"uid": event.user}


def _unmapped(event: SecurityEvent) -> dict[str, Any]:
    """What only a profile would have a place for."""
    about = {"host": event.host, "instance": event.instance, "span_id": event.span_id}
    found = {key: value for key, value in about.items() if value}
    return {"unmapped": found} if found else {}
