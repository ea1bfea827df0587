"""The formats by their names: from an event to a line of text."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from whisperwatch.watcher.siem.cef import cef
from whisperwatch.watcher.siem.ecs import ecs
from whisperwatch.watcher.siem.event import SecurityEvent
from whisperwatch.watcher.siem.hec import hec
from whisperwatch.watcher.siem.ocsf import ocsf

Format = Callable[[SecurityEvent], str]


def _json(document: Callable[[SecurityEvent], dict[str, Any]], event: SecurityEvent) -> str:
    """ASCII: whatever a text holds, it can't end the line, and no receiver can mistake its encoding."""
    return json.dumps(document(event), separators=(",", ":"))


FORMATS: Final[dict[str, Format]] = {
    "cef": cef, "ecs": partial(_json, ecs), "ocsf": partial(_json, ocsf), "hec": partial(_json, hec),
}  # fmt: skip
