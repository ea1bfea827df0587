"""A real bot's process, its real watcher, and what health says while the loop can't turn."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import pytest

PROGRAM = Path(__file__).with_name("blocked_bot.py")
PATIENCE_S = 30.0
PROMPT_S = 0.1
"""Within which health has to answer while the bot is blocked."""


class Bot:
    """The process, and a client for its watcher."""

    def __init__(self, directory: Path) -> None:
        given = {
            "HEALTH_CHECK_PORT": "0",
            "WHISPERWATCH_LINGER": "5s",
            "WHISPERWATCH_STATE_DIR": str(directory),
        }
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "WHISPERWATCH_", "HEALTH_"))
        }
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            stdin=-1,
            stdout=-1,
            text=True,
            cwd=directory,
            env=inherited | given,
        )
        assert self.process.stdout is not None
        url = self.process.stdout.readline().strip()
        assert url, "the bot didn't come up"
        self.client = httpx.Client(base_url=url, timeout=PATIENCE_S)
        self.took_s: list[float] = []
        self.until(lambda told: told["status"] == "healthy" and "turns" in text_of(told, "event loop"))
        self.took_s.clear()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        print(line, file=self.process.stdin, flush=True)

    def health(self) -> dict[str, Any]:
        began = time.monotonic()
        answer = self.client.get("/health")
        self.took_s.append(time.monotonic() - began)
        told: dict[str, Any] = answer.json()
        assert answer.status_code == (503 if told["status"] == "unhealthy" else 200)
        return told

    def until(self, condition: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while not condition(told := self.health()):
            assert time.monotonic() < deadline, told
            time.sleep(0.02)
        return told

    def close(self) -> None:
        if self.process.poll() is None:
            self.tell("end 0")
        self.process.communicate()
        self.client.close()


def text_of(told: dict[str, Any], name: str) -> str:
    return next((str(check["text"]) for check in told["checks"] if check["check"] == name), "")


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    made = Bot(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("function", ["read_slowly", "compute_in_c"])
def test_a_blocked_loop_is_told_of_at_once_with_file_line_and_function(bot: Bot, function: str) -> None:
    lines = PROGRAM.read_text().splitlines()
    blocking = next(number for number, line in enumerate(lines, 1) if line.startswith(f"def {function}(")) + 1

    def most_of_the_answers() -> float:
        bot.took_s.clear()
        bot.tell(f"{function} 4")
        told = bot.until(lambda told: f"blocked_bot.py:{blocking} {function}" in text_of(told, "event loop"))
        assert told["status"] == "degraded"
        assert bot.client.get("/health/live").status_code == 200
        assert bot.client.get("/metrics").status_code == 200
        took_s = sorted(bot.took_s)[len(bot.took_s) * 9 // 10]
        bot.until(lambda told: told["status"] == "healthy")
        return took_s

    assert at_best(most_of_the_answers) < PROMPT_S


def test_500_requests_a_second_are_answered_while_the_loop_is_blocked(bot: Bot) -> None:
    def nearly_all_answers() -> float:
        bot.tell("read_slowly 5")
        bot.until(lambda told: "blocked_bot.py" in text_of(told, "event loop"))
        took_s = asyncio.run(crowd(bot.client.base_url.port or 0, a_second=500, seconds=3.0))
        blocked = "blocked_bot.py" in text_of(bot.health(), "event loop")
        bot.until(lambda told: told["status"] == "healthy")
        assert len(took_s) > 1000
        # a crowd that stayed until the loop went on proves nothing
        return quantiles(took_s, n=100)[98] if blocked else PATIENCE_S

    assert at_best(nearly_all_answers) < PROMPT_S


def at_best(measure: Callable[[], float]) -> float:
    """Seconds, of three tries at most: what the machine's other work takes is not ours."""
    return min(took_s for took_s in _until_prompt(measure))


def _until_prompt(measure: Callable[[], float]) -> Iterator[float]:
    for _ in range(3):
        yield (took_s := measure())
        if took_s < PROMPT_S:
            return


async def crowd(port: int, a_second: int, seconds: float) -> list[float]:
    """Asks for /health in an even rhythm over ten connections; what each answer took."""
    took_s: list[float] = []

    async def ask(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        loop = asyncio.get_running_loop()
        due = loop.time() + number / a_second
        for _ in range(int(seconds * a_second / 10)):
            await asyncio.sleep(due - loop.time())
            began = loop.time()
            writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            (length,) = re.findall(rb"content-length: (\d+)", head)
            await reader.readexactly(int(length))
            took_s.append(loop.time() - began)
            due += 10 / a_second
        writer.close()

    await asyncio.gather(*map(ask, range(10)))
    return took_s


def test_a_killed_bot_is_told_of_with_when_and_why(bot: Bot) -> None:
    bot.process.kill()
    bot.process.wait()
    told = bot.until(lambda told: "has ended" in text_of(told, "bot process"))
    assert told["status"] == "unhealthy"
    assert "SIGKILL" in text_of(told, "bot process") or "killed" in text_of(told, "bot process")
    assert bot.client.get("/health/live").status_code == 503
    assert bot.client.get("/health/ready").status_code == 503


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no SIGSTOP here")
def test_a_stopped_bot_is_told_of_and_forgiven(bot: Bot) -> None:
    bot.process.send_signal(signal.SIGSTOP)
    try:
        told = bot.until(lambda told: "is stopped" in text_of(told, "bot process"))
        assert told["status"] == "unhealthy"
    finally:
        bot.process.send_signal(signal.SIGCONT)
    bot.until(lambda told: told["status"] == "healthy")
