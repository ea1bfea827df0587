"""Threads of the watcher's own process wait less for the interpreter than Python has them wait."""

from __future__ import annotations

import sys

import pytest

from whisperwatch.watcher import interpreter


def test_threads_have_the_interpreter_soon(request: pytest.FixtureRequest) -> None:
    usual = sys.getswitchinterval()
    request.addfinalizer(lambda: sys.setswitchinterval(usual))
    interpreter.share()
    assert sys.getswitchinterval() <= usual / 10
