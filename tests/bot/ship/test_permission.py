from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from whisperwatch.bot.ship import permission


@pytest.mark.parametrize(
    ("scope", "asked"), [("0\n", []), ("1\n", [(0x59616D61, 4242)]), ("2\n", []), ("3\n", []), (None, [])]
)
def test_yamas_scope_decides(
    scope: str | None, asked: list[tuple[int, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, called = tmp_path / "ptrace_scope", []
    if scope is not None:
        file.write_text(scope)
    monkeypatch.setattr(permission, "_SCOPE", file)
    monkeypatch.setattr(permission, "_prctl", lambda *arguments: called.append(arguments))
    permission.let_read(4242)
    assert called == asked


@pytest.mark.parametrize("pid", [None, 2**22 + 1, 0], ids=["this process", "nobody", "zero"])
def test_the_systems_answer_breaks_nothing(
    pid: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ptrace_scope"
    file.write_text("1\n")
    monkeypatch.setattr(permission, "_SCOPE", file)
    permission.let_read(os.getpid() if pid is None else pid)


def test_a_python_without_ctypes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ptrace_scope"
    file.write_text("1\n")
    monkeypatch.setattr(permission, "_SCOPE", file)
    monkeypatch.setitem(sys.modules, "ctypes", None)
    permission.let_read(os.getpid())
