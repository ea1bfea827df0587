"""Settings are read and changed from Discord: Whisperwatch's own, and those that the bot's code has registered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import whisperwatch
from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.admin.pace import Pace
from whisperwatch.bot.api.settings import settings
from whisperwatch.demo.loopback import LoopbackDiscord

from .conftest import told

Run = Callable[..., Any]
Ask = Callable[..., Any]


class Pool:
    """Something of the bot's that has a size."""

    def __init__(self) -> None:
        self.size = 8

    async def resize(self, size: int) -> None:
        await asyncio.sleep(0)
        if size == 13:
            raise ValueError("is an unlucky size")
        if size == 14:
            raise RuntimeError("the pool is on fire")
        self.size = size


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Registered as DATABASE_POOL_SIZE."""
    made = Pool()
    whisperwatch.setting(
        "DATABASE_POOL_SIZE", get=lambda: made.size, set=made.resize, help="Connections.", least=1, most=100
    )
    yield made
    settings.known.clear()
    settings._overrides.clear()


@pytest.fixture
def admin_channel(server: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch) -> Any:
    channel = next(one for one in server.guild("home").channels.values() if one.name == "general")
    monkeypatch.setenv("ADMIN_CHANNEL_IDS", str(channel.id))
    return channel


async def test_a_setting_of_the_bots_own(
    run: Run, ask: Ask, make_bot: Any, admin_channel: Any, pool: Pool, watcher: Path
) -> None:
    async with run(make_bot()):
        read = await ask("owner", "!config get DATABASE_POOL_SIZE", admin_channel)
        done = await ask("owner", "!config set DATABASE_POOL_SIZE 20", admin_channel)
        assert pool.size == 20
        again = await ask("owner", "!config get DATABASE_POOL_SIZE", admin_channel)
        shown = await ask("owner", "!config monitoring", admin_channel)
        await told("logs", "admin.config: allowed")
        undone = await ask("owner", "!config unset DATABASE_POOL_SIZE", admin_channel)
    assert read.embeds[0]["title"] == r"DATABASE\_POOL\_SIZE"
    assert "8 (as the bot has it)" in read.embeds[0]["description"]
    assert "It should be a whole number from 1 to 100." in read.embeds[0]["description"]
    assert "20; it was 8." in done.embeds[0]["description"]
    assert "Set by you <t:" in again.embeds[0]["description"]
    assert any("20 (override)" in field["value"] for field in shown.embeds[0]["fields"])
    assert "8; it was 20." in undone.embeds[0]["description"]
    assert pool.size == 8
    assert json.loads((watcher / "bot-settings.json").read_text()) == {}


REFUSED = [
    ("config set DATABASE_POOL_SIZE many", "=many should be a whole number from 1 to 100"),
    ("config set DATABASE_POOL_SIZE 0", "=0 should be a whole number from 1 to 100"),
    ("config set DATABASE_POOL_SIZE 13", "=13 is an unlucky size"),
    ("config set DATABASE_POOL_SIZE 14", "the bot's own function failed (RuntimeError)"),
    ("config set DATABASE_POOL_SIZ 20", "did you mean DATABASE_POOL_SIZE?"),
    ("config set DATABASE_POOL_SIZE", "needs a value"),
    ("config unset DATABASE_POOL_SIZE", "was not set at run time: it is 8"),
    ("config set DASHBOARD_SECRET_KEY hunter2hunter2", "is a secret"),
    ("config set HEALTH_CHECK_HOST *", "can't be set at run time"),
    ("config get", "needs a setting's name"),
    (f"config set DATABASE_POOL_SIZE {'9' * 1500}", "at most 1000 characters"),
]


async def test_what_is_refused_changes_nothing(
    run: Run, ask: Ask, make_bot: Any, admin_channel: Any, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "_pace", Pace(len(REFUSED), 600.0))
    async with run(make_bot()):
        for typed, said in REFUSED:
            answer = await ask("owner", f"!{typed}", admin_channel)
            assert said in answer.embeds[0]["description"].replace("\\", ""), typed
            assert pool.size == 8, typed


async def test_it_is_set_again_at_the_next_start(
    run: Run, ask: Ask, make_bot: Any, admin_channel: Any, pool: Pool
) -> None:
    async with run(make_bot()):
        await ask("owner", "!config set DATABASE_POOL_SIZE 20", admin_channel)
    pool.size = 8
    settings._overrides.clear()
    whisperwatch.uninstrument()
    whisperwatch.instrument()
    async with run(make_bot()), asyncio.timeout(10):
        while pool.size != 20:  # noqa: ASYNC110 - the welcome brings it
            await asyncio.sleep(0.01)


async def test_one_of_whisperwatchs(
    run: Run, ask: Ask, make_bot: Any, admin_channel: Any, watcher: Path
) -> None:
    async with run(make_bot()):
        done = await ask("owner", "!config set HEALTH_CHECK_INTERVAL 10s", admin_channel)
        listed = await ask("owner", "!config monitoring", admin_channel)
        wrong = await ask("owner", "!config set HEALTH_CHECK_INTERVAL soon", admin_channel)
        undone = await ask("owner", "!config unset HEALTH_CHECK_INTERVAL", admin_channel)
    assert done.embeds[0]["description"].startswith("10s; it was 30s.\nIn force now.")
    assert any("= 10s (override)" in field["value"] for field in listed.embeds[0]["fields"])
    (own,) = [field for field in listed.embeds[0]["fields"] if field["name"] == "The bot's own"]
    assert "whisperwatch.setting(" in own["value"].replace("\\", "")
    assert "is no duration" in wrong.embeds[0]["description"]
    assert undone.embeds[0]["description"].startswith("30s; it was 10s.")


async def test_it_is_answered_privately(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord, pool: Pool
) -> None:
    async with run(make_bot()):
        answer = await ask("owner", "!config get DATABASE_POOL_SIZE")
    assert answer.embeds[0]["title"] == "Sent to you"


async def test_without_a_loop_that_turns(pool: Pool, run: Run, make_bot: Any) -> None:
    async def stuck(size: int) -> None:
        await asyncio.sleep(60)

    whisperwatch.setting("STUCK", get=lambda: 1, set=stuck)
    async with run(make_bot()):
        answer = await desk.ask("config", {"action": "set", "name": "STUCK", "value": "2"})
    assert "failed (TimeoutError)" in answer["error"]
