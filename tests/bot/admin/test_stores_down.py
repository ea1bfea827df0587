"""A store that is down, or hangs: every command answers in time, names what is down, and tells what the others know."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.admin.pace import Pace
from whisperwatch.demo.backends.ports import free_port
from whisperwatch.demo.loopback import LoopbackDiscord

from .conftest import told

logger = logging.getLogger("companion")
Run = Callable[..., Any]
Ask = Callable[..., Any]

OF_METRICS = (
    "performance", "performance response-times", "performance history", "performance component llm",
    "performance resources", "performance bottlenecks", "performance capacity-planning",
    "performance memory-analysis", "engagement", "cache", "memory",
)  # fmt: skip
OF_LOGS = ("logs", "logs llm", "logs search timeout", "logs export")
OF_NEITHER = ("health", "health detailed", "config", "config get HEALTH_CHECK_INTERVAL")
LONGEST_S = 10.0


@pytest.fixture
def admin_channel(server: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(desk, "_pace", Pace(10_000))
    channel = next(one for one in server.guild("home").channels.values() if one.name == "general")
    monkeypatch.setenv("ADMIN_CHANNEL_IDS", str(channel.id))
    return channel


@pytest.fixture
def refused() -> int:
    """A port that nobody listens on."""
    return free_port()


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """The port of a server that takes what is sent, and says nothing."""
    connections = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.read()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for connection in connections:
        connection.transport.abort()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("how", ["refused", "silent"])
async def test_every_command_answers(
    how: str, request: pytest.FixtureRequest, run: Run, ask: Ask, make_bot: Any, admin_channel: Any,
    monkeypatch: pytest.MonkeyPatch, refused: int, silent: int,
) -> None:  # fmt: skip
    for store in ("PROMETHEUS_URL", "LOKI_URL"):
        monkeypatch.setenv(store, f"http://127.0.0.1:{refused if how == 'refused' else silent}")
    bot, took, answers = make_bot(), {}, {}

    async def asked(typed: str) -> None:
        begun = time.monotonic()
        answers[typed] = (await ask("owner", f"!{typed}", admin_channel)).embeds[0]
        took[typed] = time.monotonic() - begun

    async with run(bot):
        await asyncio.gather(*map(asked, (*OF_METRICS, *OF_NEITHER)))
        await asyncio.gather(*map(asked, OF_LOGS))
    assert bot.errors == []
    assert max(took.values()) < LONGEST_S, took
    for typed in (*OF_METRICS, *OF_LOGS):
        store = "Prometheus" if typed in OF_METRICS else "Loki"
        missing = [field for field in answers[typed].get("fields", ()) if field["name"] == "Not all is known"]
        assert len(missing) == 1, (typed, took[typed], answers[typed])
        assert store in missing[0]["value"], (typed, missing)
        assert "0 %" not in str(answers[typed]), (typed, "what isn't known is not 0")
    for typed in OF_NEITHER:
        assert "Not all is known" not in str(answers[typed])
        assert took[typed] < took["performance"] + 1.0


async def test_what_the_others_know_is_told(
    run: Run, ask: Ask, make_bot: Any, admin_channel: Any, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    """Prometheus is away: logs and traces are here, and what traces tell of bottlenecks."""
    monkeypatch.setenv("PROMETHEUS_URL", f"http://127.0.0.1:{refused}")
    async with run(make_bot()):
        for _ in range(3):
            await ask("ada", "!ping")
        logger.error("the model is away")
        await told("logs", "the model is away")
        await told("performance", "Prometheus", view="bottlenecks")
        await told("performance", "Messages looked into: 3", view="bottlenecks")
        logs = (await ask("owner", "!logs", admin_channel)).embeds[0]
        found = (await ask("owner", "!performance bottlenecks", admin_channel)).embeds[0]
        unknown = (await ask("owner", "!performance", admin_channel)).embeds[0]
    assert "the model is away" in str(logs)
    assert "Not all is known" not in str(logs)
    assert {field["name"] for field in found["fields"]} >= {"Where the time goes", "Not all is known"}
    assert "Answers" not in unknown["description"]
