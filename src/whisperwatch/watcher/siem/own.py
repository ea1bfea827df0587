"""Security events of the watcher's own, for when no bot's process is there to record them where the others are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from whisperwatch import semconv
from whisperwatch.watcher.records import Log


def security_log(kind: str, outcome: str, attributes: Mapping[str, Any]) -> Log:
    """A LOG as the tape would have it, at this moment's wall time."""
    about = {
        semconv.SECURITY_KIND: kind,
        semconv.SECURITY_OUTCOME: outcome,
        semconv.COMPONENT: "security",
        **attributes,
    }
    severity = (9, "INFO") if outcome == "allowed" else (13, "WARN")
    text, nowhere = f"{kind}: {outcome}", (0, 0, 0, None, None)
    return (time.time_ns(), *severity, semconv.SCOPE, text, about, *nowhere, semconv.EVENT_SECURITY)
