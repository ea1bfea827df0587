"""The demo with servers that others run, as docker-compose.yml has it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from whisperwatch.demo.backends import elsewhere
from whisperwatch.demo.backends.chroma import Chroma
from whisperwatch.demo.backends.ports import free_port
from whisperwatch.demo.backends.postgres import Postgres
from whisperwatch.demo.backends.redis import Redis
from whisperwatch.demo.command import main
from whisperwatch.demo.home import Home
from whisperwatch.demo.problem import DemoError
from whisperwatch.demo.receiver import Receiver

DEADLINE_S = 90.0
COMMAND = (sys.executable, "-c", "import sys; from whisperwatch.cli import main; sys.exit(main())", "demo")


@pytest.fixture
async def others(home: Home) -> AsyncIterator[tuple[Postgres, Redis, Chroma, Receiver]]:
    services = Postgres(home), Redis(home), Chroma(home), Receiver()
    async with AsyncExitStack() as stack:
        for service in services:
            stack.push_async_callback(service.stop)
            await service.start()
        yield services


async def test_the_bot_uses_them(
    others: tuple[Postgres, Redis, Chroma, Receiver], home: Home, tmp_path: Path
) -> None:
    postgres, redis, chroma, receiver = others
    secret = tmp_path / "database-url"
    secret.write_text(f"{postgres.dsn}\n")
    environment = {
        f"{elsewhere.DATABASE}_FILE": str(secret),
        elsewhere.REDIS: redis.url,
        elsewhere.CHROMA: chroma.url,
        elsewhere.COLLECTOR: receiver.url,
        "DEMO_BOT_OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=here",
        "DEMO_BOT_WHISPERWATCH_STATE_DIR": str(tmp_path / "state"),
    }
    demo = await asyncio.create_subprocess_exec(
        *COMMAND, "--port", str(free_port()), "--for", "60s",
        env=os.environ | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output = asyncio.create_task(demo.communicate())
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not (await _turns(postgres) and "SQL" in receiver.traces.libraries):
                assert demo.returncode is None, (await output)[0].decode()
                await asyncio.sleep(0.2)
    finally:
        if demo.returncode is None:
            demo.terminate()
        said = (await output)[0].decode()
    assert f"{elsewhere.DATABASE}'s server is up" in said
    assert (tmp_path / "state" / "key").exists()
    assert not list(home.path.glob("*/bot.log")), "the bot's own directory is another one"


async def _turns(postgres: Postgres) -> int:
    connection = await asyncpg.connect(postgres.dsn)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM turns"))
    except asyncpg.UndefinedTableError:
        return 0
    finally:
        await connection.close()


def test_a_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(f"{elsewhere.REDIS}_FILE", str(tmp_path / "nothing"))
    with pytest.raises(DemoError, match=r"DEMO_REDIS_URL_FILE: .*nothing can't be read"):
        elsewhere.address(elsewhere.REDIS)


def test_check_needs_its_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(elsewhere.CHROMA, "http://localhost:1")
    assert main(["--check"]) == 1
    assert "unset DEMO_CHROMA_URL" in capsys.readouterr().err
