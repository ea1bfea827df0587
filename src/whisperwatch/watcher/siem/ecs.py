"""The Elastic Common Schema: the version and the names of `LOG_FILE`'s lines, with the fields of events."""

from __future__ import annotations

from typing import Any

from whisperwatch.version import __version__
from whisperwatch.watcher.pipeline.log_file import ECS_VERSION
from whisperwatch.watcher.siem.event import TERMINAL, SecurityEvent
from whisperwatch.watcher.siem.kinds import grade_of, kind_of


def ecs(event: SecurityEvent) -> dict[str, Any]:
    """The event as a document; names have dots, as `filestream` with `expand_keys` and Elasticsearch read them."""
    kind, grade = kind_of(event.kind), grade_of(event.outcome)
    types = [kind.type]
    if kind.category == "api" and event.outcome in ("allowed", "denied"):  # no other category here has them
        types.append(event.outcome)
    told = {
        "@timestamp": event.time,
        "ecs.version": ECS_VERSION,
        "message": event.text,
        "event.kind": "event",
        "event.category": [kind.category],
        "event.type": types,
        "event.outcome": grade.result,
        "event.action": event.kind,
        "event.reason": event.outcome,
        "event.severity": grade.cef,
        "event.id": event.uid,
        "event.module": "whisperwatch",
        "event.dataset": "whisperwatch.security",
        "observer.vendor": "Whisperwatch",
        "observer.product": "Whisperwatch",
        "observer.version": __version__,
        **_user(event),
        "service.name": event.service,
        "service.node.name": event.instance,
        "host.name": event.host,
        "trace.id": event.trace_id,
        "span.id": event.span_id,
        "labels.target": event.target,
    }
    return {key: value for key, value in told.items() if value != ""}


def _user(event: SecurityEvent) -> dict[str, str]:
    if event.user == TERMINAL:
        return {"user.name": event.user}
    return {"user.hash": event.user} if event.user_hash else {"user.id": event.user}
