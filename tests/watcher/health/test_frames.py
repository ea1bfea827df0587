from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from whisperwatch.watcher.health.frames import place


def test_nothing_known() -> None:
    assert place(None) is None
    assert place(()) is None


def test_the_innermost_frame() -> None:
    assert (
        place((("/srv/bot.py", 3, "main"), ("/srv/cogs/ai.py", 42, "Ai.think")))
        == "/srv/cogs/ai.py:42 Ai.think"
    )


def test_the_bots_own_code_is_named_before_the_library_that_it_waits_in() -> None:
    frames = (("/srv/bot.py", 3, "on_message"), (httpx.__file__, 9, "get"), (json.__file__, 7, "loads"))
    assert place(frames) == f"/srv/bot.py:3 on_message (in {json.__file__}:7 loads)"


def test_only_libraries() -> None:
    assert (
        place(((json.__file__, 7, "loads"), ("<frozen importlib>", 1, "load"))) == "<frozen importlib>:1 load"
    )


def test_a_path_in_the_working_directory_is_shortened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert place(((str(tmp_path / "cogs" / "a.py"), 1, "f"),)) == str(Path("cogs/a.py:1 f"))
