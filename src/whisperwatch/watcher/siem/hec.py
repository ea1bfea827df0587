"""Events for Splunk's HTTP Event Collector: its envelope, and inside it the event by Whisperwatch's own names."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from whisperwatch.watcher.siem.event import SecurityEvent
from whisperwatch.watcher.siem.kinds import grade_of

SOURCE_TYPE: Final = "whisperwatch:security"


def hec(event: SecurityEvent) -> dict[str, Any]:
    """The event in its envelope. One behind the other, with or without lines between, they are a request's body."""
    told = {"time": event.time, "id": event.uid, **asdict(event), "result": grade_of(event.outcome).result}
    del told["at"], told["host"]
    host = {"host": event.host} if event.host else {}
    return {
        "time": round(event.at / 1e9, 6),
        **host,
        "source": "whisperwatch",
        "sourcetype": SOURCE_TYPE,
        "event": {key: value for key, value in told.items() if value != ""},
    }
