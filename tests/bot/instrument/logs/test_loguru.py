"""What loguru is told is recorded, whatever the bot does with its sinks, and what goes on to `logging` only once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest
from loguru import logger

from whisperwatch import semconv
from whisperwatch.bot.instrument.logs import loguru as ours


@pytest.fixture(autouse=True)
def applied(logs) -> Iterator[None]:
    undo = ours.apply()
    yield
    undo()
    logger.remove()
    logger.add(sys.stderr)


def intercepting() -> logging.Handler:
    """The handler that loguru's own manual proposes."""

    class InterceptHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            frame, depth = logging.currentframe(), 0
            while frame and (depth == 0 or frame.f_code.co_filename == logging.__file__):
                frame, depth = frame.f_back, depth + 1
            level = logger.level(record.levelname).name
            logger.opt(depth=depth, exception=record.exc_info).log(level, record.getMessage())

    return InterceptHandler()


class PropagateHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(record.name).handle(record)


def test_a_record_has_all_that_is_known_of_it(logs):
    logger.bind(a=1, b=[2]).warning("{} of {}", 3, "many")
    (log,) = logs()
    assert log[1:6] == (13, "WARN", __name__, "3 of many", {"a": 1, "b": "[2]"})
    assert log.code[0] == __file__
    assert log.code[2] == "test_a_record_has_all_that_is_known_of_it"


@pytest.mark.parametrize("remove", [lambda: logger.remove(), lambda: logger.configure(handlers=[])])
def test_the_sink_survives(logs, remove):
    remove()
    remove()
    logger.info("still heard")
    assert [log.body for log in logs()] == ["still heard"]


def test_the_level_of_the_other_sinks_holds(logs):
    logger.remove()
    logger.debug("as loguru's first sink has it")
    logger.trace("too low")
    logger.add(lambda message: None, level="WARNING")
    logger.info("nobody wants it")
    logger.warning("wanted")
    assert [log.body for log in logs()] == ["as loguru's first sink has it", "wanted"]


def test_an_exception_counts(logs):
    try:
        raise ValueError("it broke")
    except ValueError:
        logger.exception("failed")
    (log,) = logs()
    assert log.exception[:2] == ("ValueError", "it broke")
    assert log.attributes[semconv.ERROR_CATEGORY] == "system"


@pytest.mark.parametrize("first", [True, False], ids=["sink before ours", "sink after ours"])
def test_what_goes_on_to_logging_comes_once(logs, first):
    logger.remove()
    logger.add(PropagateHandler(), format="{message}", level="DEBUG")
    if first:
        ours._undo()
        ours.apply()
    for _ in range(2):
        logger.error("by loguru")
    logging.getLogger("bot").error("by logging")
    assert [log.body for log in logs()] == ["by loguru", "by loguru", "by logging"]


def test_what_comes_from_logging_comes_once(logs):
    root, before = logging.root, logging.root.handlers[:]
    root.handlers[:] = [intercepting()]
    try:
        for _ in range(2):
            logging.getLogger("bot").error("by %s", "logging")
        logger.error("by loguru")
    finally:
        root.handlers[:] = before
    first, second, third = logs()
    assert (first.body, first.logger, second.body, third.body) == (
        "by logging",
        "bot",
        "by logging",
        "by loguru",
    )


def test_taken_back_it_is_gone(logs):
    ours._undo()
    logger.error("unheard")
    assert logs() == []
