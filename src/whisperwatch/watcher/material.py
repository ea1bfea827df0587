"""What answers are made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from whisperwatch.state import StateDirectory
from whisperwatch.watcher.answers.telemetry import CostWatch
from whisperwatch.watcher.configuration import Configuration
from whisperwatch.watcher.pipeline import Pipeline
from whisperwatch.watcher.receive import Receiver
from whisperwatch.watcher.records import LocalStream
from whisperwatch.watcher.redaction import Redactor
from whisperwatch.watcher.settings import Current
from whisperwatch.watcher.store.reading import Readers


@dataclass(frozen=True, slots=True)
class Material:
    """All of it.

    Attributes:
        key: of the id hashes; it names who asks.
        readers: of the embedded store; None where there is none.
        receiver: knows the bots' processes.
        pipeline: takes what the watcher itself records.
        tell_health: gives the health report.
        configuration: the settings, and their changes.
        cost: what telemetry amounts to.
        own: what the watcher says of itself.
    """

    current: Current
    state: StateDirectory
    key: bytes
    redactor: Redactor
    readers: Readers | None
    receiver: Receiver
    pipeline: Pipeline
    tell_health: Callable[[], Awaitable[Mapping[str, Any]]]
    configuration: Configuration
    cost: CostWatch
    own: LocalStream
