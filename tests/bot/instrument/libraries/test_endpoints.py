from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from whisperwatch.bot.instrument.libraries import endpoints
from whisperwatch.bot.recording.recorder import Recorder


@pytest.fixture
def defined(recording: Recorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(endpoints, "_known", set())
    before = len(recording.definitions)
    yield lambda: [(sort, *rest) for sort, _, *rest in recording.definitions[before:]]
    del recording.definitions[before:]


def test_plain_arguments_go_and_others_are_only_named(defined: Any) -> None:
    endpoints.remember("postgresql", {"host": "db", "port": 5432, "ssl": object(), "password": lambda: "x"})
    assert defined() == [
        ("endpoint", "postgresql", {"host": "db", "port": 5432, "opaque": ["password", "ssl"]})
    ]


def test_the_same_is_told_once_and_too_many_not_at_all(defined: Any) -> None:
    endpoints.remember("redis", {"host": "a", "port": 1})
    endpoints.remember("redis", {"port": 1, "host": "a"})
    assert len(defined()) == 1
    for number in range(2 * endpoints.MOST):
        endpoints.remember("http", {"host": f"host{number}"})
    assert len(defined()) == endpoints.MOST
