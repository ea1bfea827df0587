"""`logging` heard, on a recorder of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from whisperwatch.bot.instrument.errors.counting import unlogged
from whisperwatch.bot.instrument.logs import hearing
from whisperwatch.bot.recording.recorder import Recorder


class Log(NamedTuple):
    """A LOG of the tape."""

    time: int
    severity: int
    text: str
    logger: str
    body: str
    attributes: dict[str, Any] | None
    trace_id: int
    span_id: int
    flags: int
    code: tuple[str, int, str] | None
    exception: tuple[Any, ...] | None
    event: str | None


@pytest.fixture
def logs(recording: Recorder) -> Iterator[Callable[[], list[Log]]]:
    """Hears what is logged; gives what was recorded since the last call."""
    hearing.start()
    yield lambda: [Log(*one) for one in recording.logs.take(100_000)]
    hearing.stop()
    unlogged.clear()


def _all_loggers() -> list[tuple[str, logging.Logger]]:
    known = logging.root.manager.loggerDict
    return [(name, one) for name, one in list(known.items()) if isinstance(one, logging.Logger)]


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Puts `logging`'s configuration back."""
    root = logging.root
    handlers, level, disabled = root.handlers[:], root.level, logging.root.manager.disable
    before = {name: one.disabled for name, one in _all_loggers()}
    yield
    for name, one in _all_loggers():  # `disable_existing_loggers` means every one there is
        one.disabled = before.get(name, False)
    root.handlers[:], logging.root.manager.disable = handlers, disabled
    root.setLevel(level)
    for name in (
        "bot",
        "bot.db",
        "discord",
        "discord.client",
        "asyncpg",
        "whisperwatch",
        "opentelemetry.exporter.x",
    ):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.filters.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate, logger.disabled = True, False
