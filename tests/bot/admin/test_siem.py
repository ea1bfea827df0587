"""A bot's security events reach a SIEM: refused and allowed, hashed, sent by the watcher while all goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.watcher.siem.cef_parser import parse
from tests.watcher.siem.receiver import Receiver

import whisperwatch
from whisperwatch.cli import main
from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.state import StateDirectory, hash_id

Run = Callable[..., Any]
Ask = Callable[..., Any]


@pytest.fixture
async def receiver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    made = await Receiver().open()
    monkeypatch.setenv("SIEM_SYSLOG_HOST", "127.0.0.1")
    monkeypatch.setenv("SIEM_SYSLOG_PORT", str(made.port))
    monkeypatch.setenv("SIEM_SYSLOG_TRANSPORT", "tcp")
    yield made
    await made.close()
    assert made.errors == []


async def test_events_reach_it(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord, watcher: Path, receiver: Receiver
) -> None:
    stranger, owner = server.user("stranger"), server.user("owner")
    async with run(make_bot()):
        key = StateDirectory(watcher).key()
        await stranger.say("!health")
        await receiver.until(lambda: len(receiver.messages) == 1)
        await ask("owner", "!config set HEALTH_CHECK_INTERVAL 20s")
        await receiver.until(lambda: len(receiver.messages) == 2)
        whisperwatch.security_event("vault|=", "failed", user=stranger.id, target="the vault")
        await receiver.until(lambda: len(receiver.messages) == 3)
    (_, refused), (_, changed), (own, failed) = (parse(one.text) for one in receiver.messages)
    assert (refused["act"], refused["cs1"]) == ("denied", "health")
    assert refused["suid"] == hash_id(key, stranger.id)
    assert (changed["act"], changed["cs1"]) == ("allowed", "HEALTH_CHECK_INTERVAL")
    assert changed["suid"] == hash_id(key, owner.id)
    assert (own["class_id"], failed["act"], failed["cs1"]) == ("vault|=", "failed", "the vault")
    assert failed["suid"] == refused["suid"]
    assert {one.priority for one in receiver.messages} == {16 * 8 + 4, 16 * 8 + 6}
    assert "loopback-bot" in refused["destinationServiceName"]
    assert not any(
        str(one) in message.text for message in receiver.messages for one in (stranger.id, owner.id)
    )


async def test_that_it_does_not_answer_is_told(
    run: Run, make_bot: Any, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    async with run(make_bot()):
        await receiver.close()
        whisperwatch.security_event("vault", "denied")
        said = f"Security events don't reach 127.0.0.1:{receiver.port}: Connection refused. 1 wait"
        async with asyncio.timeout(60):
            while said not in (out := await check(capsys)):
                pass
    assert "SIEM_SYSLOG_HOST" in out


async def check(capsys: pytest.CaptureFixture[str]) -> str:
    await asyncio.to_thread(main, ["check"])
    return capsys.readouterr().out
