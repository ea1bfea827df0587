"""A bot's process, its watcher, and the real servers that it uses, which die, hang and come back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from whisperwatch.demo.backends.chroma import Chroma
from whisperwatch.demo.backends.llm import LanguageModel
from whisperwatch.demo.backends.postgres import Postgres
from whisperwatch.demo.backends.redis import Redis
from whisperwatch.demo.home import Home

PROGRAM = Path(__file__).with_name("bot_with_servers.py")
PATIENCE_S = 45.0
SECRET = "planted-secret-0123456789"
SETTINGS = {
    "HEALTH_CHECK_PORT": "0",
    "HEALTH_CHECK_INTERVAL": "300ms",
    "HEALTH_CHECK_TIMEOUT": "5s",
    "HEALTH_CHECK_RETRY_ATTEMPTS": "2",
    "HEALTH_CHECK_RETRY_DELAY": "3s",  # as long is a server suspect, which a busy machine has to see too
    "WHISPERWATCH_LINGER": "5s",
}


class Bot:
    """The process and a client for its watcher."""

    def __init__(self, process: asyncio.subprocess.Process, client: httpx.AsyncClient) -> None:
        self.process, self.client = process, client
        self.pages: list[str] = []

    async def component(self, name: str) -> dict[str, Any]:
        answer = await self.client.get(f"/health/component/{name}")
        told: dict[str, Any] = answer.json()
        assert answer.status_code == (503 if told["status"] == "unhealthy" else 200)
        self.pages.append(answer.text)
        return told

    async def until(self, name: str, condition: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while not condition(told := await self.component(name)):
            assert time.monotonic() < deadline, told
            await asyncio.sleep(0.05)
        return told

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())


def part(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next((one for one in told["parts"] if one["part"].startswith(name)), {"status": "", "text": ""})


class Servers:
    """All that a bot like WhisperEngine uses."""

    def __init__(self, home: Home) -> None:
        self.postgres, self.redis, self.chroma = Postgres(home), Redis(home), Chroma(home)
        self.llm = LanguageModel()

    async def start(self) -> None:
        await asyncio.gather(*(one.start() for one in (self.postgres, self.redis, self.chroma, self.llm)))

    async def stop(self) -> None:
        for one in (self.postgres, self.redis, self.chroma, self.llm):
            await one.stop()

    def endpoints(self) -> list[tuple[str, dict[str, Any]]]:
        local = {"host": "127.0.0.1"}
        postgres = {"host": str(self.postgres._room), "user": "companion", "database": "postgres"}
        return [
            ("postgresql", postgres | {"password": SECRET}),
            ("redis", {**local, "port": self.redis._port}),
            (
                "chroma",
                {**local, "port": self.chroma._port, "headers": {"authorization": f"Bearer {SECRET}"}},
            ),
            ("openai", {"base_url": self.llm.url, "api_key": SECRET}),
            ("qdrant", {"embedded": True}),
        ]

    def pid(self, name: str) -> int:
        return int(getattr(self, name)._child.pid)


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    async with Home() as home:
        running = Servers(home)
        await running.start()
        yield running
        await running.stop()


@pytest.fixture
async def bot(servers: Servers, tmp_path: Path) -> AsyncIterator[Bot]:
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "WHISPERWATCH_", "HEALTH_"))
    }
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), json.dumps(servers.endpoints()),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, cwd=tmp_path,
            env=inherited | SETTINGS | {"WHISPERWATCH_STATE_DIR": str(tmp_path / "state")},
        )  # fmt: skip
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    assert url, "the bot didn't come up"
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:
        made = Bot(process, client)
        yield made
        made.tell("end 0")
        await process.communicate()
    assert SECRET not in "".join(made.pages)
    assert SECRET not in (tmp_path / "log").read_text()


async def test_all_are_well_and_then_each_has_its_fault(bot: Bot, servers: Servers) -> None:
    told = await bot.until("database", lambda told: told["status"] == "healthy" and len(told["parts"]) == 3)
    assert part(told, "PostgreSQL")["text"].startswith("answers SELECT 1")
    figures = (await bot.client.get("/metrics")).text
    assert 'bot_cache_evictions_total{bot_cache_name="redis",bot_source="redis"} 0.0' in figures
    await bot.until("llm", lambda told: told["status"] == "healthy")
    await bot.until("memory", lambda told: told["status"] == "healthy")
    await bot.until("payments", lambda told: told["status"] == "healthy")

    os.kill(servers.pid("redis"), signal.SIGSTOP)
    try:
        told = await bot.until("database", lambda told: "suspect" in part(told, "Redis")["text"])
        assert told["status"] == "degraded"
        told = await bot.until("database", lambda told: part(told, "Redis")["status"] == "unhealthy")
        assert "doesn't answer within" in told["reason"]
        assert part(told, "PostgreSQL")["status"] != "unhealthy"
        whole = await bot.client.get("/health")
        assert (whole.status_code, whole.json()["status"]) == (200, "degraded")
    finally:
        os.kill(servers.pid("redis"), signal.SIGCONT)
    await bot.until("database", lambda told: told["status"] == "healthy")

    await servers.postgres.stop()
    told = await bot.until("database", lambda told: part(told, "PostgreSQL")["status"] == "unhealthy")
    assert part(told, "Redis")["status"] != "unhealthy"
    await servers.postgres.start()
    await bot.until("database", lambda told: told["status"] == "healthy")

    await servers.llm.stop()
    told = await bot.until("llm", lambda told: told["status"] == "unhealthy")
    assert "nothing listens there" in told["reason"]

    bot.tell("block 4")
    told = await bot.until("payments", lambda told: told["status"] == "unknown")
    assert told["reason"] == "Loop blocked: it can't run."
    assert (await bot.component("database"))["status"] != "unhealthy"
    await bot.until("payments", lambda told: told["status"] == "healthy")
