from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from whisperwatch import semconv
from whisperwatch.watcher.records import LocalStream, Records


def values(stream: Records) -> dict[tuple[str, ...], float]:
    """Every value of a stream by the metric's name and the attributes' values."""
    return {
        (instrument.name, *map(str, cell.attributes.values())): cell.value[0]
        for instrument in stream.instruments
        for cell in instrument.cells
        if cell.value is not None
    }


class Reader:
    """Asks a stream for a value."""

    def __init__(self, stream: Records) -> None:
        self.stream = stream

    def __call__(self, metric: semconv.Metric, *attributes: str) -> float | None:
        return values(self.stream).get((metric.name, *attributes))

    @property
    def names(self) -> set[str]:
        return {name for name, *_ in values(self.stream)}


@pytest.fixture
def stream() -> LocalStream:
    return LocalStream({"service.name": "bot"})


@pytest.fixture
def read(stream: LocalStream) -> Reader:
    return Reader(stream)


@pytest.fixture
def reader() -> type[Reader]:
    return Reader


@pytest.fixture
def tree(tmp_path: Any) -> Any:
    """Writes files under a directory: `tree({"a/b": "text"})`."""

    def write(files: Mapping[str, object]) -> Any:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{content}\n")
        return tmp_path

    return write
