"""`/watch`: in the admin guild, ephemeral, beside whatever the bot has in its tree, and without a tree too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import discord
import pytest
from discord import app_commands

from whisperwatch.demo.loopback import Interaction, LoopbackDiscord
from whisperwatch.questions import slash_payload
from whisperwatch.semconv import HEALTH_COMPONENTS

Run = Callable[..., Any]
Use = Callable[..., Any]
TITLE = "✅ The bot is healthy"


@pytest.fixture
def use(server: LoopbackDiscord) -> Use:
    """Uses `/watch health` as somebody; the interaction once it has been replied to."""

    async def use(name: str, command: str = "watch health", where: Any = None, **values: Any) -> Interaction:
        interaction = await server.user(name).slash(command, where, **values)
        await server.reply_to(interaction, timeout=15)
        return interaction

    return use


@pytest.fixture
def published(server: LoopbackDiscord) -> None:
    """What `whisperwatch sync` does."""
    server.core.application.register(server.guild("home").id, slash_payload())


def title(interaction: Interaction) -> str:
    (message,) = interaction.replies
    assert message.ephemeral
    return str(message.embeds[0]["title"])


@pytest.mark.parametrize("kind", ["bot", "client"])
async def test_an_admin_asks(
    run: Run, use: Use, make_bot: Any, make_client: Any, published: None, kind: str
) -> None:
    client = make_bot() if kind == "bot" else make_client()
    async with run(client):
        brief, full = await use("owner"), await use("owner", view="detailed")
    assert title(brief) == title(full) == TITLE
    named = [field["name"] for field in full.replies[0].embeds[0]["fields"]]
    assert named[:2] == ["✅ Bot process", "✅ Event loop"]
    assert len(named) == 2 + len(HEALTH_COMPONENTS)
    if kind == "client":
        assert client.interactions == []


async def test_others_are_refused(
    run: Run, use: Use, make_bot: Any, published: None, server: LoopbackDiscord
) -> None:
    home = server.guild("home")
    home.members[server.user("ada").id].roles.append(home.role("admin"))
    bot = make_bot()
    async with run(bot):
        assert title(await use("ada")) == "❌ Not for you"
        assert title(await use("grace")) == "❌ Not for you"
    assert bot.errors == []


async def test_a_role_of_the_admin_guild(
    run: Run,
    use: Use,
    make_client: Any,
    published: None,
    server: LoopbackDiscord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = server.guild("home")
    ops = server.core.world.add_role(home, "ops", 0)
    home.members[server.user("ada").id].roles.append(ops)
    monkeypatch.setenv("ADMIN_ROLE_IDS", str(ops.id))
    async with run(make_client()):
        assert title(await use("ada")) == TITLE
        assert title(await use("grace")) == "❌ Not for you"


@pytest.mark.parametrize("status", [403, 404])
async def test_discord_does_not_take_the_answer(
    run: Run,
    use: Use,
    make_bot: Any,
    published: None,
    server: LoopbackDiscord,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    async with run(make_bot()):
        with server.faults.errors(status, route="/interactions/{webhook_id}/{webhook_token}/callback"):
            await server.user("owner").slash("watch health")
            await server.until(lambda: "/watch could not be answered" in caplog.text)
        assert title(await use("owner")) == TITLE


async def test_the_bots_own_sync_of_the_guild_takes_ours_along(
    run: Run, use: Use, make_bot: Any, server: LoopbackDiscord
) -> None:
    """In setup_hook, before any watcher could be asked; and of a tree that is cleared."""
    home = discord.Object(server.guild("home").id)

    class Syncing(make_bot):  # type: ignore[misc]
        async def setup_hook(self) -> None:
            self.tree.clear_commands(guild=home)
            self.tree.copy_global_to(guild=home)
            self.synced = [command.name for command in await self.tree.sync(guild=home)]
            await self.tree.sync()
            await self.tree.sync(guild=discord.Object(server.guild("elsewhere").id))

    bot = Syncing()

    @bot.tree.command()
    async def greet(interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message("hello")

    async with run(bot):
        assert title(await use("owner")) == TITLE
        assert (await use("grace", "greet")).replies[0].content == "hello"
    assert bot.synced == ["greet"]
    assert _registered(server, None) == ["greet"]
    assert _registered(server, "home") == ["greet", "watch"]
    assert _registered(server, "elsewhere") == []
    assert [command.name for command in bot.tree.walk_commands(guild=home)] == ["greet"]


@pytest.mark.parametrize("late", [False, True])
async def test_a_watch_of_the_bots_own_is_the_bots(
    run: Run, use: Use, make_bot: Any, server: LoopbackDiscord, late: bool
) -> None:
    home = discord.Object(server.guild("home").id)
    bot = make_bot()

    @app_commands.command(name="watch")
    async def own(interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message("the stars", ephemeral=True)

    if not late:
        bot.tree.add_command(own, guild=home)
    async with run(bot):
        if late:
            await bot.tree.sync(guild=home)
            assert title(await use("owner")) == TITLE
            bot.tree.add_command(own, guild=home)
        await bot.tree.sync(guild=home)
        assert (await use("owner", "watch")).replies[0].content == "the stars"
    assert _registered(server, "home") == ["watch"]


async def test_a_full_guild_stays_the_bots(run: Run, make_bot: Any, server: LoopbackDiscord) -> None:
    home = discord.Object(server.guild("home").id)
    bot = make_bot()

    async def nothing(interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message("-")

    for number in range(100):
        bot.tree.add_command(
            app_commands.Command(name=f"c{number}", description="-", callback=nothing), guild=home
        )
    async with run(bot):
        assert len(await bot.tree.sync(guild=home)) == 100
    assert "watch" not in _registered(server, "home")


async def test_nothing_is_published_unasked(run: Run, make_bot: Any, server: LoopbackDiscord) -> None:
    async with run(make_bot()):
        pass
    assert not [r for r in server.ledger.requests if "/commands" in r.path]


async def test_a_question_of_another_version(
    run: Run, use: Use, make_bot: Any, server: LoopbackDiscord
) -> None:
    payload = slash_payload()
    payload["options"].append({"type": 1, "name": "fortune", "description": "of tomorrow", "options": []})
    server.core.application.register(server.guild("home").id, payload)
    async with run(make_bot()):
        unknown = await use("owner", "watch fortune")
    assert title(unknown) == "❔ No answer"
    assert "whisperwatch sync" in unknown.replies[0].embeds[0]["description"]


def _registered(server: LoopbackDiscord, guild: str | None) -> list[str]:
    home = None if guild is None else server.guild(guild).id
    return sorted(command["name"] for command in server.core.application.commands.get(home, {}).values())


async def test_what_is_typed_is_helped_with(
    run: Run, make_bot: Any, published: None, server: LoopbackDiscord
) -> None:
    async with run(make_bot()):
        owner = server.user("owner")
        names = await owner.autocomplete("watch config", "name", "interval", None, action="get")
        words = await owner.autocomplete("watch logs", "what", "", None)
        nothing = await server.user("ada").autocomplete("watch config", "name", "", None, action="get")
    assert {"name": "HEALTH_CHECK_INTERVAL", "value": "HEALTH_CHECK_INTERVAL"} in names
    assert [one["value"] for one in words][:4] == ["component", "search", "export", "llm"]
    assert nothing == []
