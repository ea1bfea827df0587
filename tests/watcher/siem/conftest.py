"""What the tests of security events share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from whisperwatch.watcher.siem.event import SecurityEvent

AT = 1_790_000_000_123_456_789
HASH = "0123456789abcdef"
FIELDS = {
    "kind": "admin.config", "outcome": "allowed", "target": "HEALTH_CHECK_INTERVAL", "user": HASH,
    "trace_id": "a" * 32, "span_id": "b" * 16, "service": "companion", "instance": "i-1", "host": "ada",
}  # fmt: skip


@pytest.fixture(scope="session")
def event() -> Callable[..., SecurityEvent]:
    """Makes an event; what isn't said is as in `FIELDS`."""

    def make(**changed: Any) -> SecurityEvent:
        return SecurityEvent(AT, **{**FIELDS, **changed})

    return make
