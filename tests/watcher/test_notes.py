from __future__ import annotations

import asyncio
import logging
import sys

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


async def test_what_may_not_be_shown_is_taken_out_of_exceptions_too() -> None:
    notes: list[str] = []
    handler = Notes(
        lambda _, text: not notes.append(text),
        asyncio.get_running_loop(),
        lambda text: text.replace("hunter2", "…"),
    )
    try:
        raise ValueError("hunter2")
    except ValueError:
        record = entry(logging.ERROR, "failed with hunter2")
        record.exc_info = sys.exc_info()
        await said(handler, record)
    (note,) = notes
    assert note.startswith("failed with …\nTraceback")
    assert "hunter2" not in note


async def test_in_a_thread_of_the_bot_its_log_gets_them_clean_and_once() -> None:
    notes: list[str] = []
    handler = Notes(lambda _, text: not notes.append(text), asyncio.get_running_loop(), str.upper)
    logger = logging.getLogger("whisperwatch.test_notes.hosted")
    with handler.instead_of(logger.name):
        assert not logger.propagate
        logger.getChild("below").warning("look")
        await asyncio.sleep(0)
    assert notes == ["LOOK"]
    assert (logger.propagate, logger.handlers) == (True, [])
