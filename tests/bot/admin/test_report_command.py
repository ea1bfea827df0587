"""`whisperwatch report` and `serve`: what is asked in Discord, asked in a terminal, of a real watcher."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from whisperwatch.bot import voyage
from whisperwatch.cli import main
from whisperwatch.questions import BY_NAME

Run = Callable[..., Any]
TOKEN = "a-token-of-the-report-api"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NEEDED = {"trace": [TRACE]}


async def report(*words: str) -> int:
    return await asyncio.to_thread(main, ["report", *words])


async def test_every_question_for_people_and_for_programs(
    run: Run, make_bot: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async with run(make_bot()):
        for name in BY_NAME:
            assert await report(name, *NEEDED.get(name, [])) == 0, name
            text = capsys.readouterr().out
            assert text.strip(), name
            if name != "config":  # `whisperwatch config --json` is for programs
                assert await report(name, *NEEDED.get(name, []), "--json") == 0, name
                told = json.loads(capsys.readouterr().out)
                assert isinstance(told, dict), name


async def test_records_for_programs(run: Run, make_bot: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with run(make_bot()):
        assert await report("logs", "--lines", "1", "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert len(told["records"]) <= 1
        assert told["problems"] == []
        assert await report("logs", "export", "--json") == 1
        assert "an export is a file already" in capsys.readouterr().err
        assert await report("trace", "12", "--json") == 1
        assert "32 hexadecimal digits" in capsys.readouterr().err


async def test_by_url(
    run: Run, make_bot: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHISPERWATCH_API_TOKEN", TOKEN)
    async with run(make_bot()):
        assert voyage._ship is not None
        assert voyage._ship.welcome is not None
        url = voyage._ship.welcome["url"]
        for where in ([], ["--url", url]):  # the same from here and from elsewhere, plots included
            assert await report("performance", "history", "--period", "6h", *where) == 0
            told = capsys.readouterr().out
            assert told.startswith("Performance")
            assert "Response time\n" in told
            assert " ┤" in told or "Nothing was recorded in this time." in told
        assert await report("performance", "component", "llm", "--json", "--url", url) == 0
        assert json.loads(capsys.readouterr().out)["times"]["name"] == "llm"
        with pytest.raises(SystemExit, match="2"):
            await report("logs", "--url", url)
        assert "/api/v1/logs" in capsys.readouterr().err
        monkeypatch.setenv("WHISPERWATCH_API_TOKEN", "another")
        assert await report("cache", "--url", url) == 1
        assert "answers 401" in capsys.readouterr().err


async def test_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHISPERWATCH_STATE_DIR", str(tmp_path))
    assert await report("cache") == 2
    assert "No watcher answers" in capsys.readouterr().err
    assert await report("cache", "--url", "http://127.0.0.1:9") == 2
    assert "http://127.0.0.1:9 does not answer" in capsys.readouterr().err


async def test_unknown_reports_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        await report("perfomance")
    assert "there is no report 'perfomance': there are health, performance" in capsys.readouterr().err


def test_a_watcher_without_a_bot_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEALTH_CHECK_PORT", "0")
    monkeypatch.setenv("WHISPERWATCH_API_TOKEN", TOKEN)
    monkeypatch.setenv("WHISPERWATCH_STATE_DIR", str(tmp_path / "state"))
    command = [sys.executable, "-m", "whisperwatch", "serve", "--state-dir", str(tmp_path / "state")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as served:
        assert served.stderr is not None
        try:
            said = served.stderr.readline()
            url = said.split("served at ")[1].split(",")[0]
            assert f"the report API is at {url}/api/v1" in said
            assert main(["report", "engagement", "--json", "--url", url]) == 0
            assert json.loads(capsys.readouterr().out)["basis"]["store"] == "embedded"
            assert main(["report", "health"]) == 1  # for there is no bot
            assert capsys.readouterr().out.startswith("❌ ")
            second = subprocess.run(command, capture_output=True, text=True, check=False)
            assert second.returncode == 1
            assert "a watcher is already running" in second.stderr
        finally:
            served.terminate()
        assert served.wait(20) == 0
