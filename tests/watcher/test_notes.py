from __future__ import annotations

import asyncio
import logging

import pytest

from whisperwatch.watcher.notes import Notes


async def said(handler: Notes, record: logging.LogRecord) -> None:
    handler.handle(record)
    await asyncio.sleep(0)


def entry(level: int, text: str) -> logging.LogRecord:
    return logging.LogRecord("whisperwatch", level, __file__, 1, text, (), None)


async def test_warnings_go_to_a_bot(capsys: pytest.CaptureFixture[str]) -> None:
    notes: list[tuple[int, str]] = []
    handler = Notes(lambda level, text: not notes.append((level, text)), asyncio.get_running_loop())
    await said(handler, entry(logging.WARNING, "look"))
    assert notes == [(logging.WARNING, "look")]
    assert capsys.readouterr().err == ""


async def test_without_a_bot_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    await said(Notes(lambda *_: False, asyncio.get_running_loop()), entry(logging.ERROR, "look"))
    assert capsys.readouterr().err == "whisperwatch: look\n"


async def test_without_a_terminal_to_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    await said(Notes(lambda *_: False, asyncio.get_running_loop()), entry(logging.ERROR, "look"))


async def test_less_than_a_warning_is_kept_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("whisperwatch.test_notes")
    logger.addHandler(Notes(lambda *_: False, asyncio.get_running_loop()))
    logger.info("quiet")
    await asyncio.sleep(0)
    assert capsys.readouterr().err == ""
    logger.handlers.clear()
