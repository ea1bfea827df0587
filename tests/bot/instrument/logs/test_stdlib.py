"""What `logging` is told is recorded, whatever the bot does with its handlers, and nothing else changes."""

from __future__ import annotations

import io
import logging
import logging.config
import threading

import discord.utils
import pytest
from discord.ext import commands
from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot.instrument.errors.counting import note
from whisperwatch.bot.instrument.logs import hearing
from whisperwatch.bot.instrument.logs.choice import Choice
from whisperwatch.bot.instrument.logs.recording import severity_of
from whisperwatch.bot.recording.recorder import recorder

logger = logging.getLogger("bot")
DICT = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"out": {"class": "logging.NullHandler"}},
    "root": {"level": "INFO", "handlers": ["out"]},
    "loggers": {"bot.db": {"level": "DEBUG", "propagate": False, "handlers": []}},
}


@pytest.fixture
def raised() -> ValueError:
    try:
        try:
            {}["no"]
        except KeyError as error:
            raise ValueError("it broke") from error
    except ValueError as error:
        return error


def test_a_record_has_all_that_is_known_of_it(logs, installed):
    logger.setLevel(logging.INFO)
    with trace.get_tracer("bot").start_as_current_span("work") as span:
        logger.warning("%d of %s", 3, "many", extra={"a": 1, "b": 2.5, "c": True, "d": [1], "e": None})
    (log,) = logs()
    context = span.get_span_context()
    assert log[1:] == (
        13, "WARN", "bot", "3 of many", {"a": 1, "b": 2.5, "c": True, "d": "[1]"},
        context.trace_id, context.span_id, 1,
        (__file__, test_a_record_has_all_that_is_known_of_it.__code__.co_firstlineno + 3,
         "test_a_record_has_all_that_is_known_of_it"), None, None,
    )  # fmt: skip
    logger.info("outside")
    assert logs()[0][6:9] == (0, 0, 0)


def test_severities_are_those_of_opentelemetrys_own_handler():
    from opentelemetry.instrumentation.log_utils import std_to_otel

    for level in range(70):
        assert severity_of(level, "x")[0] == std_to_otel(level).value
    assert (severity_of(-5, "x")[0], severity_of(30, "WARNING")[1]) == (0, "WARN")


@pytest.mark.parametrize(
    "configure",
    [
        lambda: logging.config.dictConfig(DICT),
        lambda: logging.config.dictConfig({**DICT, "disable_existing_loggers": True, "loggers": {"bot": {}}}),
        lambda: logging.basicConfig(force=True, level=logging.INFO, stream=io.StringIO()),
        lambda: (logging.root.handlers.clear(), logging.root.setLevel(logging.INFO)),
        lambda: (setattr(logger, "propagate", False), logger.setLevel(logging.INFO)),
        lambda: discord.utils.setup_logging(handler=logging.NullHandler(), level=logging.INFO),
    ],
    ids=["dictConfig", "existing disabled", "basicConfig", "cleared", "not propagated", "setup_logging"],
)
def test_no_configuration_of_the_bots_own_loses_it(logs, configure):
    configure()
    logger.info("still heard")
    logger.debug("below the level")
    assert [log.body for log in logs()] == ["still heard"]


def test_levels_and_filters_of_loggers_hold_and_those_of_handlers_do_not_matter(logs):
    handler = logging.StreamHandler(io.StringIO())
    handler.setLevel(logging.CRITICAL)
    logging.root.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.addFilter(lambda record: "secret" not in record.getMessage())
    for text in ("seen", "secret"):
        logger.info(text)
    logging.getLogger("bot.quiet").debug("unseen")
    assert [log.body for log in logs()] == ["seen"]


def test_handlers_get_what_they_get_without_us(logs, raised):
    def output() -> str:
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(funcName)s %(message)s %(args)s"))
        logger.handlers[:], logger.propagate = [handler], False
        logger.error("%s broke", "it", exc_info=raised, extra={"x": 1})
        return stream.getvalue()

    with_us = output()
    hearing.stop()
    assert with_us == output()
    assert "ERROR bot output it broke ('it',)\nTraceback" in with_us


def test_arguments_that_do_not_fit_are_the_handlers_to_complain_of(logs):
    logger.handlers[:], logger.propagate = [logging.NullHandler()], False
    logger.warning("%d", "no number")
    assert [log.body for log in logs()] == ["%d"]


def test_an_exception_is_reduced_to_tuples(logs, raised):
    logger.error("failed", exc_info=raised)
    (log,) = logs()
    kind, message, frames, cause = log.exception
    assert (kind, message) == ("ValueError", "it broke")
    assert frames[-1][0] == __file__
    assert frames[-1][2] == "raised"
    assert cause[:2] == ("KeyError", "'no'")
    assert cause[3] is None


def test_an_error_that_is_logged_says_what_kind_it_is(logs, raised):
    logging.getLogger("asyncpg.pool").error("no more connections")
    logger.exception("failed", exc_info=raised)
    logger.exception("told again", exc_info=raised)
    first, second, again = logs()
    assert first.attributes == {
        semconv.ERROR_CATEGORY: "system", semconv.ERROR_SEVERITY: "medium", semconv.COMPONENT: "database",
    }  # fmt: skip
    assert second.attributes[semconv.COMPONENT] == "bot"
    assert again.attributes is None, "it was counted before"


def test_an_error_that_was_counted_without_a_log_record_is_one(logs, raised):
    note(raised, swallowed=True)
    logger.exception("and logged later", exc_info=raised)
    counted, logged = logs()
    assert (counted.event, counted.severity, counted.body) == ("bot.error", 17, "ValueError: it broke")
    assert counted.attributes == {
        semconv.ERROR_CATEGORY: "system", semconv.ERROR_SEVERITY: "medium", semconv.COMPONENT: "bot",
        semconv.ERROR_TYPE: "ValueError",
    }  # fmt: skip
    assert counted.exception[0] == "ValueError"
    assert (logged.event, logged.attributes) == (None, None)


def test_what_a_user_got_wrong_is_no_error_of_the_log(logs):
    note(commands.BadArgument("a lot is no dice"))
    (counted,) = logs()
    assert (counted.event, counted.severity) == ("bot.error", 9)
    assert counted.attributes[semconv.ERROR_CATEGORY] == "user"


def test_the_users_own_words_are_masked(logs, monkeypatch):
    monkeypatch.setattr(recorder, "mask", lambda text: text.replace("grandmother", "[masked]"))
    try:
        raise ValueError("no grandmother")
    except ValueError:
        logger.exception("my %s", "grandmother", extra={"said": ["grandmother"]})
    (log,) = logs()
    assert "grandmother" not in repr(log)
    assert (log.body, log.exception[1], log.attributes["said"]) == (
        "my [masked]",
        "no [masked]",
        "['[masked]']",
    )


def test_neither_ours_nor_the_exporters_nor_a_watchers_in_a_thread(logs):
    for name in ("whisperwatch", "whisperwatch.watcher.x", "opentelemetry.exporter.x", "opentelemetry.sdk.x"):
        logging.getLogger(name).error("ours")
    thread = threading.Thread(
        target=lambda: logging.getLogger("aiohttp").error("x"), name="whisperwatch-watcher"
    )
    thread.start()
    thread.join()
    assert logs() == []
    logging.getLogger("whisperwatching").error("the bot's")
    assert [log.body for log in logs()] == ["the bot's"]


def test_what_counts_as_an_error_is_recorded_below_the_level_too(recording, monkeypatch, raised):
    monkeypatch.setenv("WHISPERWATCH_LOG_LEVEL", "critical")
    hearing.start()
    logger.error("counts", exc_info=raised)
    logger.error("counted before", exc_info=raised)
    hearing.stop()
    assert [log[4] for log in recording.logs.take(9)] == ["counts"]


def test_what_opentelemetry_adds_for_formatters_is_no_extra(logs):
    logger.warning("x", extra={"otelTraceID": "1", "otelServiceName": "s", "mine": 1})
    assert logs()[0].attributes == {"mine": 1}


def test_the_level_can_be_raised_and_recording_switched_off(recording, monkeypatch):
    logger.setLevel(logging.DEBUG)
    monkeypatch.setenv("WHISPERWATCH_LOG_LEVEL", "warning")
    hearing.start()
    logger.info("less")
    logger.warning("enough")
    assert [log[4] for log in recording.logs.take(9)] == ["enough"]
    hearing.stop()
    monkeypatch.setenv("WHISPERWATCH_LOGS", "off")
    hearing.start()
    logger.error("off")
    note(ValueError("off"))
    hearing.allow(True)
    logger.error("off")
    assert recording.logs.take(9) == []
    hearing.stop()


@pytest.mark.parametrize(("given", "level"), [("", 0), ("info", 20), ("35", 35), ("nonsense", 0)])
def test_levels(given, level):
    assert Choice({"WHISPERWATCH_LOG_LEVEL": given}).level == level


def test_components_of_loggers():
    choice = Choice({"LOG_COMPONENTS": "mybot.brain=llm, discord.http = network"})
    expected = {
        "discord.client": "discord", "discord.http": "network", "mybot.brain.x": "llm", "mybot": None,
        "discordant": None, "sqlalchemy.engine.Engine": "database", "qdrant_client": "memory",
    }  # fmt: skip
    assert {name: choice.of(name)[1] for name in expected} == expected
    assert Choice({"LOG_COMPONENTS": "mybot=nonsense"}).of("mybot") == (True, None)


def test_a_handler_of_opentelemetrys_exports_by_itself(logs):
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler

    assert hearing.hosted() == ()
    with pytest.warns(DeprecationWarning, match="LoggingHandler"):
        logging.root.addHandler(LoggingHandler(logger_provider=LoggerProvider(shutdown_on_exit=False)))
    assert hearing.hosted() == ("logs",)


def test_what_is_logged_while_a_record_is_made_is_no_loop(logs):
    class Talkative:
        def __str__(self) -> str:
            logger.warning("inside")
            return "outside"

    logger.handlers[:], logger.propagate = [logging.NullHandler()], False
    logger.warning("%s", Talkative())
    assert [log.body for log in logs()] == ["inside", "outside"]
