"""`whisperwatch sync`: one command in one guild, by Discord's own routes, on the loopback Discord."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from whisperwatch.cli import main
from whisperwatch.demo.loopback import GuildPlan, LoopbackDiscord, pointing
from whisperwatch.questions import slash_payload

Sync = Callable[..., Any]


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[LoopbackDiscord]:
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith(("ADMIN_", "DISCORD_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    async with LoopbackDiscord([GuildPlan("home"), GuildPlan("elsewhere")]) as running:
        monkeypatch.setenv("ADMIN_GUILD_ID", str(running.guild("home").id))
        monkeypatch.setenv("DISCORD_TOKEN", running.token)
        with pointing(running):
            yield running


@pytest.fixture
def sync(server: LoopbackDiscord) -> Sync:
    async def sync(*argv: str) -> int:
        return await asyncio.to_thread(main, ["sync", *argv])

    return sync


def commands(server: LoopbackDiscord, guild: str | None) -> list[str]:
    home = None if guild is None else server.guild(guild).id
    return sorted(command["name"] for command in server.core.application.commands.get(home, {}).values())


async def test_it_is_published_beside_the_bots_own_and_taken_back(
    server: LoopbackDiscord, sync: Sync, capsys: pytest.CaptureFixture[str]
) -> None:
    home = server.guild("home").id
    server.core.application.register(home, {"name": "greet", "description": "-"})
    server.core.application.register(None, {"name": "world", "description": "-"})
    assert await sync() == 0
    assert await sync() == 0
    assert (commands(server, "home"), commands(server, "elsewhere"), commands(server, None)) == (
        ["greet", "watch"],
        [],
        ["world"],
    )
    assert capsys.readouterr().out.startswith("/watch is published in the admin guild.")
    assert await sync("--remove") == 0
    assert await sync("--remove") == 0
    assert commands(server, "home") == ["greet"]
    assert capsys.readouterr().out == "/watch is removed.\n/watch is not there.\n"


async def test_a_watch_of_the_bots_own_is_left_alone(
    server: LoopbackDiscord, sync: Sync, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {"name": "watch", "description": "the stars"}
    server.core.application.register(server.guild("home").id, own)
    for argv in ((), ("--remove",)):
        assert await sync(*argv) == 1
    (kept,) = server.core.application.commands[server.guild("home").id].values()
    assert kept["description"] == "the stars"
    assert "the bot has a /watch of its own" in capsys.readouterr().err


async def test_a_token_from_a_file(
    server: LoopbackDiscord, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISCORD_TOKEN")
    (tmp_path / "token").write_text(f"{server.token}\n")
    assert await sync("--token-file", str(tmp_path / "token")) == 0
    assert commands(server, "home") == ["watch"]


async def test_a_rate_limit_is_waited_for(server: LoopbackDiscord, sync: Sync) -> None:
    with server.faults.storm(retry_after=0.01, count=2):
        assert await sync() == 0
    assert commands(server, "home") == ["watch"]


async def test_what_is_wrong_is_named_without_the_token(
    server: LoopbackDiscord,
    sync: Sync,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "another.secret")
    assert await sync() == 1
    monkeypatch.setenv("DISCORD_TOKEN", server.token)
    monkeypatch.setenv("ADMIN_GUILD_ID", "348805820466790400")
    assert await sync() == 1
    printed = capsys.readouterr()
    assert "Discord refuses the token" in printed.err
    assert "Discord knows no such guild" in printed.err
    assert "secret" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("unset", "token", "told"),
    [
        ("DISCORD_TOKEN", None, "no token"),
        ("ADMIN_GUILD_ID", None, "no admin guild"),
        (None, "a secret", "no token has"),
    ],
)
async def test_what_is_missing_is_named(
    server: LoopbackDiscord,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    unset: str | None,
    token: str | None,
    told: str,
) -> None:
    if unset:
        monkeypatch.delenv(unset)
    if token:
        monkeypatch.setenv("DISCORD_TOKEN", token)
    with pytest.raises(SystemExit) as left:
        main(["sync"])
    err = capsys.readouterr().err
    assert left.value.code == 2
    assert told in err
    assert "secret" not in err


async def test_what_is_published_is_what_the_bot_takes(server: LoopbackDiscord, sync: Sync) -> None:
    assert await sync() == 0
    (kept,) = server.core.application.commands[server.guild("home").id].values()
    assert {key: kept[key] for key in slash_payload()} == slash_payload()
