"""Ports are those that nobody is given by chance."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from whisperwatch.demo.backends import ports
from whisperwatch.demo.backends.ports import free_port, require_free
from whisperwatch.demo.problem import DemoError


def given() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_free_port_is_not_of_those_that_the_system_gives() -> None:
    found = {free_port() for _ in range(50)}
    assert len(found) > 45, "not each time the same"
    assert found.isdisjoint(given() for _ in range(50))
    first, last = ports._handed_out()
    assert not any(first <= port <= last for port in found)
    assert first <= given() <= last


def test_a_taken_port_is_no_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"--port {port} can't be had .*Address already in use"):
            require_free(port)
        monkeypatch.setattr(ports, "_LEAST", port)
        monkeypatch.setattr(ports, "_MOST", port)
        assert free_port() != port, "then one of the system's"
    require_free(port)
    assert free_port() == port


def test_where_the_system_may_give_any(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Or doesn't say."""
    monkeypatch.setattr(ports, "_LINUX_HANDS_OUT", tmp_path / "range")
    assert ports._handed_out() == (49_152, 65_535)
    (tmp_path / "range").write_text("1024\t65535\n")
    assert 1024 <= free_port() <= 65_535
