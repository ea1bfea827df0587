from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from loguru import logger as loguru
from opentelemetry import context as api

import whisperwatch
from whisperwatch import semconv
from whisperwatch.bot import checks
from whisperwatch.bot.instrument.logs import hearing
from whisperwatch.bot.instrument.logs import loguru as loguru_heard
from whisperwatch.bot.recording.recorder import Recorder

PATIENCE_S = 10.0


class Pulse:
    """A loop that turns, until the test says that it doesn't."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.loop = loop
        self.blocked = False

    @property
    def last_turn_ns(self) -> int:
        return time.monotonic_ns() - (10**10 if self.blocked else 0)


@pytest.fixture(autouse=True)
def none_else(monkeypatch: pytest.MonkeyPatch, recording: Recorder) -> None:
    monkeypatch.setattr(checks, "_checks", {})


def told(pulse: Pulse) -> tuple[str, str]:
    (one,) = checks.tend(pulse)
    return one["status"], one["text"]


def until(pulse: Pulse, status: str) -> tuple[str, str]:
    """Of a check in a thread."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := told(pulse))[0] != status:
        assert time.monotonic() < deadline, found
        time.sleep(0.001)
    return found


async def eventually(pulse: Pulse, status: str) -> tuple[str, str]:
    """Of a check on this loop."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := told(pulse))[0] != status:  # noqa: ASYNC110 - `told` is what makes it run
            await asyncio.sleep(0.001)
        return found


def test_the_function_stays_what_it_is_and_does_not_run_by_itself() -> None:
    ran: list[int] = []

    def payments() -> None:
        ran.append(1)

    assert whisperwatch.health_check("payments")(payments) is payments
    assert ran == []


@pytest.mark.parametrize(
    ("returned", "status", "text"),
    [
        (None, "healthy", ""),
        (True, "healthy", ""),
        (False, "unhealthy", "says no"),
        ("the queue is long", "degraded", "the queue is long"),
        (("unhealthy", "no money left"), "unhealthy", "no money left"),
        (("unknown", "who knows"), "unknown", "who knows"),
        (("fine", "who knows"), "unknown", "returned something that means nothing here (tuple)"),
        (3, "unknown", "returned something that means nothing here (int)"),
    ],
)
def test_what_a_plain_one_returns(returned: Any, status: str, text: str) -> None:
    ran = threading.Event()

    @whisperwatch.health_check("payments")
    def payments() -> Any:
        ran.set()
        return returned

    pulse = Pulse()
    told(pulse)
    assert ran.wait(PATIENCE_S)
    deadline = time.monotonic() + PATIENCE_S
    while told(pulse) == ("unknown", "has not run yet"):
        assert time.monotonic() < deadline
    assert told(pulse) == (status, text)


def test_a_text_is_cut_off() -> None:
    whisperwatch.health_check("payments")(lambda: "x" * 10_000)
    assert len(until(Pulse(), "degraded")[1]) == 200


def test_a_long_reason_is_cut_between_words() -> None:
    @whisperwatch.health_check("payments")
    def payments() -> str:
        return f"{'no ' * 60}answer by sk-proj-abcdEFGH1234ijklMNOP5678 at all"

    assert until(Pulse(), "degraded")[1] == f"{'no ' * 60}answer by …"


@pytest.mark.parametrize("error", [ValueError("secret"), SystemExit(3)])
def test_whatever_a_plain_one_raises_is_unhealthy_by_its_type(error: BaseException) -> None:
    def payments() -> None:
        raise error

    whisperwatch.health_check("payments")(payments)
    assert until(Pulse(), "unhealthy") == ("unhealthy", f"raised {type(error).__name__}")


def test_a_plain_one_has_a_thread_of_its_own_and_a_stuck_one_delays_nobody() -> None:
    release = threading.Event()
    threads: list[str] = []
    runs: list[int] = []

    @whisperwatch.health_check("stuck", timeout_s=0.01)
    def stuck() -> None:
        runs.append(1)
        release.wait(PATIENCE_S)

    @whisperwatch.health_check("payments")
    def payments() -> None:
        threads.append(threading.current_thread().name)

    def by_name() -> dict[str, tuple[str, str]]:
        return {one["name"]: (one["status"], one["text"]) for one in checks.tend(Pulse())}

    deadline = time.monotonic() + PATIENCE_S
    while by_name() != {
        "stuck": ("unhealthy", "has not returned within 0.01 s"),
        "payments": ("healthy", ""),
    }:
        assert time.monotonic() < deadline, by_name()
        time.sleep(0.001)
    assert (threads, runs) == (["whisperwatch-check-payments"], [1])
    release.set()
    while by_name()["stuck"][0] != "healthy":
        assert time.monotonic() < deadline
        time.sleep(0.001)


async def test_an_async_one_runs_on_the_bots_loop() -> None:
    loops = []

    @whisperwatch.health_check("payments")
    async def payments() -> str:
        loops.append(asyncio.get_running_loop())
        return "slow"

    here = asyncio.get_running_loop()
    assert await eventually(Pulse(here), "degraded") == ("degraded", "slow")
    assert loops == [here]


async def test_an_async_one_that_raises_or_takes_too_long() -> None:
    @whisperwatch.health_check("payments")
    async def payments() -> None:
        raise TimeoutError("of its own")

    pulse = Pulse(asyncio.get_running_loop())
    assert (await eventually(pulse, "unhealthy"))[1] == "raised TimeoutError"
    cancelled = []

    @whisperwatch.health_check("payments", timeout_s=0.01)
    async def stuck() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.append(1)

    assert (await eventually(pulse, "unhealthy"))[1] == "has not returned within 0.01 s"
    assert cancelled == [1]


async def test_of_a_blocked_loop_nothing_is_said_of_the_check() -> None:
    whisperwatch.health_check("payments")(_well)
    pulse = Pulse(asyncio.get_running_loop())
    told(pulse)
    pulse.blocked = True
    assert told(pulse) == ("unknown", "loop blocked: it can't run")
    pulse.blocked = False
    assert await eventually(pulse, "healthy") == ("healthy", "")


def test_without_a_loop() -> None:
    whisperwatch.health_check("payments")(_well)
    assert told(Pulse()) == ("unknown", "no event loop runs")
    loop = asyncio.new_event_loop()
    loop.close()
    assert told(Pulse(loop)) == ("unknown", "no event loop runs")


def test_it_runs_again_after_its_interval() -> None:
    runs: list[int] = []
    whisperwatch.health_check("payments", interval_s=0.01)(lambda: runs.append(1))
    deadline = time.monotonic() + PATIENCE_S
    while len(runs) < 3:
        assert time.monotonic() < deadline
        told(Pulse())
        time.sleep(0.001)
    runs.clear()
    whisperwatch.health_check("payments", interval_s=3600)(lambda: runs.append(1))
    until(Pulse(), "healthy")
    for _ in range(100):
        told(Pulse())
    assert runs == [1]


def test_what_it_asks_is_none_of_the_bots_doing() -> None:
    seen = []
    whisperwatch.health_check("payments")(
        lambda: seen.append(api.get_value(api._SUPPRESS_INSTRUMENTATION_KEY))
    )
    until(Pulse(), "healthy")
    assert seen == [True]


@pytest.mark.parametrize("name", ["llm", "database", "databases", "monitor", "", "a b", "x" * 65, "1st", 5])
def test_names_that_are_taken_or_none(name: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert whisperwatch.health_check(name)(_refuse) is _refuse
    assert not checks._checks
    assert "health_check" in caplog.text


@pytest.mark.parametrize("times", [{"interval_s": 0}, {"timeout_s": -1}, {"timeout_s": "1"}])
def test_times_that_are_none(times: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    whisperwatch.health_check("payments", **times)(_refuse)
    assert not checks._checks
    assert "above 0" in caplog.text


def test_they_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(checks.MOST + 5):
        whisperwatch.health_check(f"check{number}")(_refuse)
    assert len(checks._checks) == checks.MOST
    assert "left out" in caplog.text


async def test_a_wrapped_coroutine_is_closed() -> None:
    wrapped: Callable[[], Any] = lambda: _well()  # noqa: E731
    whisperwatch.health_check("payments")(wrapped)
    async with asyncio.timeout(PATIENCE_S):
        while "coroutine" not in told(Pulse())[1]:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)


async def _well() -> None:
    pass


def _refuse() -> None:
    raise AssertionError


def test_what_a_check_logs_is_the_bots_and_ours_is_not(recording: Recorder) -> None:
    said = logging.getLogger("bot.payments")

    def say() -> None:
        said.warning("the account is nearly empty")
        loguru.error("the account is empty")
        logging.getLogger("whisperwatch").error("ours")
        logging.getLogger("opentelemetry.exporter.otlp").error("an exporter's")

    def said_of_it() -> list[tuple[str, str]]:
        return [(one[3], one[4]) for one in recording.logs.take(100)]

    expected = [("bot.payments", "the account is nearly empty"), (__name__, "the account is empty")]
    hearing.start()
    undo = loguru_heard.apply()
    try:
        whisperwatch.health_check("payments")(say)
        until(Pulse(), "healthy")
        assert said_of_it() == expected, "in a thread of its own"

        async def on_the_loop() -> None:
            @whisperwatch.health_check("payments")
            async def payments() -> None:
                say()

            await eventually(Pulse(asyncio.get_running_loop()), "healthy")

        asyncio.run(on_the_loop())
        assert said_of_it() == expected, "on the loop"
    finally:
        undo()
        hearing.stop()
    errors = recording.instrument(semconv.ERRORS)
    assert sum(cell.value for cell in errors) == 2, (
        "what is logged as an error is one, as anywhere in the bot"
    )
