"""A store's file with logs or traces in it, and a look into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from whisperwatch.watcher.store.file import open_to_write
from whisperwatch.watcher.store.logs import Logs, Row
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.traces import Traces
from whisperwatch.watcher.store.transactions import transaction


class Kept:
    """A file that logs and traces are written to as the store does it, by `database`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs, self.traces = Logs(lambda: 7 * 86_400.0), Traces()
        self.database = Database(open_to_write(path, ()))

    def write(self, *rows: Row) -> None:
        self.logs.add(rows)
        self._commit(self.logs)

    def write_traces(self, *parts: Any) -> None:
        self.traces.add(parts)
        self._commit(self.traces)

    def _commit(self, signal: Any) -> None:
        if (taken := signal.take()) is not None:
            with transaction(self.database):
                signal.write(self.database, taken)

    def close(self) -> None:
        self.database.connection.close()


@pytest.fixture
def kept(tmp_path):
    made = Kept(tmp_path / "store.db")
    yield made
    made.close()
