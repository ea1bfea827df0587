"""Names of servers and channels are for the bot's owner alone, and only where nobody else reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from whisperwatch.bot.admin import slash
from whisperwatch.demo.loopback import LoopbackDiscord, Message
from whisperwatch.questions import slash_payload

from .conftest import told

Run = Callable[..., Any]
Ask = Callable[..., Any]
HASH = re.compile(r"(?:server|channel) [0-9a-f]{16}")


async def used(server: LoopbackDiscord, ask: Ask) -> None:
    """Somebody pings the bot in both guilds, and the store has it."""
    for person, guild in (("ada", "home"), ("stranger", "elsewhere"), ("stranger", "elsewhere")):
        await ask(person, "!ping", server.channel("general", guild))
    await told("top", "3 messages and interactions")


async def sent(server: LoopbackDiscord, person: str, text: str) -> str:
    """What comes by direct message to who asks in the first channel."""
    who = server.user(person)
    asked = await who.say(text)

    def direct() -> list[Message]:
        messages = server.core.world.messages.values()
        return [one for one in messages if one.channel is who.direct_channel and one.id > asked.id]

    await server.until(lambda: bool(direct()), 15, "a direct message")
    return shown(direct()[0])


def shown(message: Any) -> str:
    (embed,) = message.embeds
    assert embed["title"].startswith("Top servers and channels")
    return "\n".join(f"{field['name']}: {field['value']}" for field in embed["fields"])


async def test_the_owner_sees_names_where_nobody_else_reads(
    monkeypatch: pytest.MonkeyPatch, run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    server.core.application.register(server.guild("home").id, slash_payload())
    monkeypatch.setenv("ADMIN_USER_IDS", str(server.user("grace").id))
    async with run(make_bot()):
        await used(server, ask)
        by_message = await sent(server, "owner", "!top")
        named_by_settings = await sent(server, "grace", "!top --period 1h")
        direct = await server.reply_to(await server.user("owner").dm("!top"), timeout=15)
        interaction = await server.user("owner").slash("watch top", None)
        await server.reply_to(interaction, timeout=15)
    (ephemeral,) = interaction.replies
    assert ephemeral.ephemeral
    for text in (by_message, named_by_settings, shown(direct), shown(ephemeral)):
        assert "elsewhere: 2 messages" in text
        assert "home: 1 message," in text
        assert "\\#general of elsewhere: 2 messages" in text
        assert not HASH.search(text)


async def test_others_and_who_stands_beside_see_none(
    monkeypatch: pytest.MonkeyPatch, run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    """Whom a role makes an admin; and everybody, in a channel, be it an admin channel."""
    ops = server.core.world.add_role(server.guild("home"), "ops", 0)
    server.guild("home").members[server.user("ada").id].roles.append(ops)
    random = server.channel("random", "home")
    monkeypatch.setenv("ADMIN_ROLE_IDS", str(ops.id))
    monkeypatch.setenv("ADMIN_CHANNEL_IDS", str(random.id))
    async with run(make_bot()):
        await used(server, ask)
        by_role = await sent(server, "ada", "!top")
        answers = [shown(await ask(person, "!top", random)) for person in ("owner", "ada")]
    for text in (by_role, *answers):
        assert HASH.search(text)
        assert "elsewhere" not in text
        assert "home" not in text
        assert "general" not in text


async def test_a_name_is_shown_as_it_is_and_cut(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    there = server.channel("general", "elsewhere")
    server.guild("elsewhere").name = "@everyone **[x](https://example.org)** " + "y" * 60
    async with run(make_bot()):
        for _ in range(2):
            await ask("stranger", "!ping", there)
        await told("top", "2 messages and interactions")
        text = await sent(server, "owner", "!top")
    assert "@\u200beveryone \\*\\*\\[x\\](https://example.org)\\*\\* y" in text
    assert "yy" not in text


@pytest.mark.parametrize(
    ("guild", "ephemeral", "alone"), [(None, False, True), (1, True, True), (1, False, False)]
)
def test_a_button_is_alone_in_a_direct_message_or_an_ephemeral_one(
    guild: int | None, ephemeral: bool, alone: bool
) -> None:
    message = SimpleNamespace(flags=SimpleNamespace(ephemeral=ephemeral))
    pressed: Any = SimpleNamespace(guild_id=guild, message=message)
    assert slash._alone(pressed) is alone
