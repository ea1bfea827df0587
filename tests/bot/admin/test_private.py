"""Logs and traces are for who asks alone: by direct message, but in a channel that is named for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from whisperwatch.demo.loopback import LoopbackDiscord, Message
from whisperwatch.questions import slash_payload

from .conftest import told

Run = Callable[..., Any]
Ask = Callable[..., Any]
logger = logging.getLogger("companion")


def direct(server: LoopbackDiscord, asked: Message) -> list[Message]:
    channel = server.user("owner").direct_channel
    return [
        one for one in server.core.world.messages.values() if one.channel is channel and one.id > asked.id
    ]


async def test_by_direct_message(run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord) -> None:
    async with run(make_bot()):
        logger.error("the model is away")
        await told("logs", "the model is away")
        asked = await server.user("owner").say('!logs search "model is" --since 1h')
        await server.until(lambda: direct(server, asked), 15, "a direct message")
        said = await server.reply_to(asked, timeout=15)
        (sent,) = direct(server, asked)
        wrong = await ask("owner", "!logs --lines many")
        unknown = await server.user("owner").dm("!trace 4bf92f3577b34da6a3ce929d0e0e4736")
        no_trace = await server.reply_to(unknown, timeout=15)
    assert said.embeds[0]["title"] == "Sent to you"
    assert sent.embeds[0]["title"] == "Logs, last hour"
    assert "> bot: the model is away" in sent.embeds[0]["description"]
    assert wrong.embeds[0]["title"] == "❔ Not understood"
    assert no_trace.embeds[0]["description"] == "There is no such trace, or it is not kept any more."


async def test_a_closed_inbox(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    async with run(make_bot()):
        with server.faults.errors(403, route="/users/@me/channels"):
            answer = await ask("owner", "!logs")
    assert answer.embeds[0]["title"] == "❔ Your inbox is closed"
    assert "could not be answered by direct message: Forbidden" in caplog.text


async def test_in_an_admin_channel(
    monkeypatch: pytest.MonkeyPatch, run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    channel = next(one for one in server.guild("home").channels.values() if one.name == "general")
    monkeypatch.setenv("ADMIN_CHANNEL_IDS", str(channel.id))
    async with run(make_bot()):
        answer = await ask("owner", "!logs component discord", channel)
    assert answer.embeds[0]["title"] == "Logs, last 24 hours"


async def test_by_slash_it_is_ephemeral(run: Run, make_bot: Any, server: LoopbackDiscord) -> None:
    server.core.application.register(server.guild("home").id, slash_payload())
    async with run(make_bot()):
        interaction = await server.user("owner").slash("watch logs", None, what="discord", level="info")
        await server.reply_to(interaction, timeout=15)
    (answer,) = interaction.replies
    assert answer.ephemeral
    assert answer.embeds[0]["title"] == "Logs, last 24 hours"


async def test_an_export_is_a_file(
    monkeypatch: pytest.MonkeyPatch, run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    channel = next(one for one in server.guild("home").channels.values() if one.name == "general")
    monkeypatch.setenv("ADMIN_CHANNEL_IDS", str(channel.id))
    async with run(make_bot()):
        logger.error("the model is away")
        await told("logs", "the model is away")
        answer = await ask(
            "owner", "!logs export --format ndjson --output /tmp/../logs.json --level error", channel
        )
        csv = await ask("owner", "!logs export llm --format csv", channel)
        refused = await ask("owner", "!logs --format csv", channel)
    (file,) = answer.attachments
    assert file["filename"] == "logs.json"
    assert "1 records, the oldest first, are in logs.json." in answer.embeds[0]["description"]
    assert "in a terminal there" in answer.embeds[0]["description"]
    assert csv.attachments[0]["filename"] == "logs.csv"
    assert "goes with `logs export`" in refused.embeds[0]["description"].replace("\\", "")


async def test_a_long_answer_is_turned_by_buttons_of_who_asked(
    monkeypatch: pytest.MonkeyPatch, run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    channel = next(one for one in server.guild("home").channels.values() if one.name == "general")
    monkeypatch.setenv("ADMIN_CHANNEL_IDS", str(channel.id))
    long = "x" * 80
    async with run(make_bot()):
        for number in range(80):
            logger.error("record %02d %s", number, long)
        await told("logs", "record 79")
        answer = await ask("owner", "!logs --lines 80", channel)
        logger.error("a newer one %s", long)
        await told("logs", "a newer one")
        turned = await server.user("owner").click(answer, "▶")
        await server.until(lambda: turned.updated, 15, "the page")
        second = turned.replies[0].embeds[0]
        refused = await server.user("ada").click(answer, "▶")
        await server.reply_to(refused, timeout=15)
    assert second["footer"]["text"] == "page 2 of 3"
    assert "record 79" not in second["description"]
    assert refused.replies[0].embeds[0]["description"] == "Only who asked may press this."
    assert refused.replies[0].ephemeral
    assert turned.replies[0].embeds[0] == second
