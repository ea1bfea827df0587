"""A store in which a bot's figures are kept, written as the watcher does, and one who asks it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.embedded.metrics import EmbeddedMetrics
from whisperwatch.watcher.query.embedded.traces import EmbeddedTraces
from whisperwatch.watcher.store.file import open_to_write
from whisperwatch.watcher.store.metrics import Identity, Metrics, Sample, Taken
from whisperwatch.watcher.store.metrics.points import SCHEMA
from whisperwatch.watcher.store.metrics.taken import pairs_of
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.reading import Readers
from whisperwatch.watcher.store.traces import Part, Traces
from whisperwatch.watcher.store.traces.packing import encode
from whisperwatch.watcher.store.transactions import transaction

NOW = 1_800_000_000.0
HOUR = 3600.0


class Bot:
    """What a bot has counted; `at` writes it as of a moment."""

    def __init__(self, path: Path) -> None:
        self.database = Database(open_to_write(path, SCHEMA))
        self.readers = Readers(path)
        engines = Engines(EmbeddedMetrics(self.readers), traces=EmbeddedTraces(self.readers))
        self.asking = Asking(engines, now=lambda: NOW)
        self._metrics = Metrics(lambda: None)
        self._values: dict[Identity, Any] = {}

    def count(self, metric: str, more: float = 1, attributes: dict[str, Any] | None = None) -> None:
        identity = self._identity(metric, attributes)
        self._values[identity] = (self._values.get(identity, (0,))[0] + more,)

    def measure(self, metric: str, *values: float, attributes: dict[str, Any] | None = None) -> None:
        identity = self._identity(metric, attributes)
        empty = (0, 0.0, None, None, (0,) * (len(identity.bounds) + 1))
        count, total, _, _, buckets = self._values.get(identity, empty)
        held = list(buckets)
        for value in values:
            held[bisect_left(identity.bounds, value)] += 1
        self._values[identity] = count + len(values), total + sum(values), None, None, tuple(held)

    def level(self, metric: str, value: float, attributes: dict[str, Any] | None = None) -> None:
        self._values[self._identity(metric, attributes)] = (value,)

    def gone(self, metric: str, attributes: dict[str, Any] | None = None) -> None:
        del self._values[self._identity(metric, attributes)]

    def at(self, ago_s: float) -> None:
        samples = tuple(Sample(identity, 1, value, 1) for identity, value in self._values.items())
        taken = Taken(NOW - ago_s, samples, frozenset({("one", 1)}))
        with transaction(self.database):
            self._metrics.write(self.database, taken)
        self._metrics.written(taken)

    def trace(
        self,
        number: int,
        ago_s: float,
        *spans: tuple[str, float, float, dict[str, Any]],
        took_s: float = 2.0,
        root: str = "message",
        links: list[Any] | None = None,
        about: dict[str, Any] | None = None,
        failed: bool = False,
    ) -> None:
        """A trace that began so long ago; under its root, which has `links` and is `about` something, spans: name,
        start and end, attributes."""
        start = round((NOW - ago_s) * 1e9)
        packed: list[list[Any]] = [
            [
                f"{1:016x}",
                "",
                root,
                "consumer",
                start,
                start + round(took_s * 1e9),
                "error" if failed else "unset",
                "",
                about or {},
                [],
                links or [],
            ]
        ]
        for at, (name, begins, ends, attributes) in enumerate(spans, 2):
            times = (start + round(begins * 1e9), start + round(ends * 1e9))
            packed.append(
                [f"{at:016x}", f"{1:016x}", name, "client", *times, "unset", "", attributes, [], []]
            )
        part = Part(
            number.to_bytes(16, "big"), root, start, packed[0][5], failed, len(packed), "one", encode(packed)
        )
        traces = Traces()
        traces.add([part])
        with transaction(self.database):
            traces.write(self.database, traces.take() or [])

    def close(self) -> None:
        self.readers.close()
        self.database.connection.close()

    def _identity(self, metric: str, attributes: dict[str, Any] | None) -> Identity:
        known = DECLARED[metric]
        return Identity(metric, known.kind, known.unit, known.bounds, "one", pairs_of(attributes or {}))


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    made = Bot(tmp_path / "store.db")
    yield made
    made.close()
