"""A hook that fails is counted and said once, and the bot goes on; under test it raises."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.recording.recorder import Recorder


@pytest.fixture(autouse=True)
def _lenient(recording: Recorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(guard, "strict", False)
    yield
    guard.counts.clear()


def hook(where: str, error: Exception | None = None) -> str:
    try:
        raise error or RuntimeError("ours")
    except Exception:
        guard.failed(where)
    return "the bot goes on"


def test_it_is_counted_each_time_and_said_once_for_each_hook(caplog):
    assert [hook("a"), hook("a"), hook("b")] == ["the bot goes on"] * 3
    assert guard.counts == {"a": 2, "b": 1}
    assert [(record.levelno, record.args[0]) for record in caplog.records] == [
        (logging.WARNING, "a"),
        (logging.WARNING, "b"),
    ]


def test_it_says_where_and_what_failed_without_the_exceptions_text(caplog):
    hook("a", KeyError("what a user wrote"))
    (said,) = [record.getMessage() for record in caplog.records]
    assert "in hook" in said
    assert said.endswith("KeyError")
    assert "a user wrote" not in caplog.text


def test_it_is_counted_as_a_metric(recording):
    hook("a")
    hook("a")
    assert recording.instrument(semconv.SELF_INTERNAL_ERRORS).find({semconv.WHERE: "a"}).value == 2


def test_under_test_it_raises_what_the_hook_raised(monkeypatch, caplog):
    monkeypatch.setattr(guard, "strict", True)
    error = ValueError("the hook's own")
    with pytest.raises(ValueError, match="the hook's own") as raised:
        hook("a", error)
    assert raised.value is error
    assert not guard.counts
    assert not caplog.records


def test_a_listener_that_fails_does_not_stop_the_others(monkeypatch, caplog):
    told: list[str] = []

    def broken(where: str) -> None:
        raise OSError("counting fails too")

    monkeypatch.setattr(guard, "on_failure", [broken, told.append])
    assert hook("a") == "the bot goes on"
    assert told == ["a"]
    assert len(caplog.records) == 1


def test_a_log_handler_that_fails_does_not_reach_the_bot(monkeypatch):
    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("the log is broken")

    handler = Broken()
    guard.logger.addHandler(handler)
    try:
        assert hook("a") == "the bot goes on"
    finally:
        guard.logger.removeHandler(handler)


def test_what_an_exception_holds_is_not_kept():
    import gc
    import weakref

    class Held:
        pass

    def work() -> weakref.ref[Held]:
        held = Held()
        try:
            raise RuntimeError(held)
        except Exception:
            guard.failed("a")
        return weakref.ref(held)

    logging.disable(logging.CRITICAL)  # caplog keeps what it catches
    try:
        reference = work()
    finally:
        logging.disable(logging.NOTSET)
    gc.collect()
    assert reference() is None
