"""`!health`: for admins, whatever the bot does; for all others the bot is as it was."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.ext import commands

from whisperwatch import semconv
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.demo.loopback import LoopbackDiscord, Teammate

Ask = Callable[..., Any]
Run = Callable[..., Any]
TITLE = "✅ The bot is healthy"


def title(message: Any) -> str:
    assert message.embeds, message.content
    return str(message.embeds[0]["title"])


def fields(message: Any) -> dict[str, str]:
    return {field["name"]: field["value"] for field in message.embeds[0].get("fields", ())}


async def test_the_owner_asks(run: Run, ask: Ask, make_bot: Any) -> None:
    async with run(make_bot()):
        brief, full = await ask("owner", "!health"), await ask("owner", "!health detailed")
    assert title(brief) == title(full) == TITLE
    assert re.match(
        r"(All \d checks are well|Nothing is found to be wrong).\nWell: Bot process, Event loop, ",
        brief.embeds[0]["description"],
    )
    assert fields(brief) == {}
    own = ("Bot process", "Event loop", "System resources", "Discord", "The monitor itself")
    others = ("LLM", "Databases", "Memory system", "Cache", "Background tasks", "Security")
    marks = {name[2:]: name[0] for name in fields(full)}
    assert sorted(marks) == sorted((*own, *others))
    assert {marks[name] for name in own} == {"✅"}
    # other tests of this process have called a model or a database, or have not
    assert {marks[name] for name in others} <= {"✅", "⬜", "❔"}
    assert "1 shard connected and ready" in fields(full)["✅ Discord"]
    assert brief.reference is not None


@pytest.mark.parametrize("text", ["!watch health", "!whisperwatch health", "!watch  HEALTH", "!health"])
async def test_names(run: Run, ask: Ask, make_bot: Any, text: str) -> None:
    async with run(make_bot()):
        assert title(await ask("owner", text)) == TITLE


async def test_wrong_words_are_answered_with_right_ones(run: Run, ask: Ask, make_bot: Any) -> None:
    async with run(make_bot()):
        wrong, alone = await ask("owner", "!health everything"), await ask("owner", "!watch")
        quoted = await ask("owner", '!health "detai')
    assert (title(wrong), wrong.embeds[0]["description"]) == (
        "❔ Not understood",
        "health doesn't know 'everything'. For view there is: detailed",
    )
    assert title(quoted) == "❔ Not understood"
    assert alone.embeds[0]["description"].startswith("**watch health**: How the bot is")


async def test_to_others_the_commands_do_not_exist(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    """Not to a guild's owner, nor to its administrators."""
    ada = server.user("ada")
    server.guild("home").members[ada.id].roles.append(server.guild("home").role("admin"))
    elsewhere = server.channel("general", "elsewhere")
    bot = make_bot()
    async with run(bot):
        for person, where in ((ada, None), ("stranger", elsewhere), ("stranger", None), ("grace", None)):
            for text in ("!health", "!watch health", "!nothing"):
                name = text.split()[0][1:]
                assert (await ask(person, text, where)).content == f'error: Command "{name}" is not found'
    assert bot.errors[:3] == [
        ("CommandNotFound", f'Command "{name}" is not found') for name in ("health", "watch", "nothing")
    ]
    assert bot.invoked == []


async def test_the_bots_help_and_lists_know_nothing_of_them(run: Run, ask: Ask, make_bot: Any) -> None:
    bot = make_bot()
    before = sorted(bot.all_commands), list(bot.cogs), [command.name for command in bot.walk_commands()]
    async with run(bot):
        await ask("owner", "!health")
        shown = (await ask("owner", "!help")).content
        after = sorted(bot.all_commands), list(bot.cogs), [command.name for command in bot.walk_commands()]
    assert before == after
    assert "ping" in shown
    assert "health" not in shown
    assert "watch" not in shown


async def test_a_team(run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord) -> None:
    users = {name: server.user(name) for name in ("ada", "grace", "linus", "invited", "reader")}
    server.core.application.team = [
        Teammate(users["ada"].account),
        Teammate(users["grace"].account, "developer"),
        Teammate(users["invited"].account, "admin", accepted=False),
        Teammate(users["reader"].account, "read_only"),
    ]
    async with run(make_bot()):
        for name in ("ada", "grace"):
            assert title(await ask(name, "!health")) == TITLE
        for name in ("linus", "invited", "reader", "owner"):
            assert "is not found" in (await ask(name, "!health")).content


async def test_a_bots_own_owners_are_the_owners(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    bot = make_bot(owner_ids={server.user("linus").id})
    async with run(bot):
        assert title(await ask("linus", "!health")) == TITLE
        assert "is not found" in (await ask("owner", "!health")).content
        assert _asked_for_owners(server) == 1, "discord.py asks once, when it logs in"


async def test_a_bots_own_is_owner_is_asked(run: Run, ask: Ask, make_bot: Any) -> None:
    class Own(make_bot):  # type: ignore[misc]
        async def is_owner(self, user: Any, /) -> bool:
            if user.name == "linus":
                raise RuntimeError("no database")
            return bool(user.name == "grace")

    async with run(Own()):
        assert "is not found" in (await ask("linus", "!health")).content
        assert title(await ask("grace", "!health")) == TITLE
        assert "is not found" in (await ask("owner", "!health")).content


async def test_settings_widen_it(
    watcher: Path, run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role counts in its guild only."""
    ops = server.core.world.add_role(server.guild("home"), "ops", 0)
    server.guild("home").members[server.user("ada").id].roles.append(ops)
    monkeypatch.setenv("ADMIN_ROLE_IDS", str(ops.id))
    monkeypatch.setenv("ADMIN_USER_IDS", str(server.user("grace").id))
    elsewhere = server.channel("general", "elsewhere")
    server.guild("elsewhere").members[server.user("linus").id].roles.append(ops)
    async with run(make_bot()):
        assert title(await ask("ada", "!health")) == TITLE
        assert "is not found" in (await ask("ada", "!health", elsewhere)).content
        assert "is not found" in (await ask("linus", "!health", elsewhere)).content
        assert title(await ask("grace", "!health", elsewhere)) == TITLE
        assert title(await ask("owner", "!health", elsewhere)) == TITLE


async def test_owners_who_cannot_be_found_out_are_nobody(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    async with run(make_bot()):
        before = _asked_for_owners(server)
        with server.faults.errors(403, route="/oauth2/applications/@me"):
            for _ in range(3):
                assert "is not found" in (await ask("owner", "!health")).content
        assert _asked_for_owners(server) == before + 1
    assert "Discord does not say who owns this application" in caplog.text


async def test_names_that_the_bot_has_are_the_bots(
    run: Run, ask: Ask, make_bot: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Before we come, and after, by all the ways that there are."""
    caplog.set_level(logging.INFO, "whisperwatch")
    bot = make_bot()

    @commands.command()
    async def health(ctx: commands.Context[Any]) -> None:
        await ctx.reply("fine, thanks")

    class Mine(commands.Cog):
        @commands.command(aliases=["watch"])
        async def look(self, ctx: commands.Context[Any]) -> None:
            await ctx.reply("looking")

    async with run(bot):
        assert title(await ask("owner", "!health")) == TITLE
        bot.add_command(health)
        await bot.add_cog(Mine())
        assert (await ask("owner", "!health")).content == "fine, thanks"
        assert (await ask("owner", "!watch health")).content == "looking"
        assert title(await ask("owner", "!whisperwatch health")) == TITLE
        bot.remove_command("health")
        bot.add_command(health)
        bot.remove_command("health")
        await bot.remove_cog("Mine")
        assert title(await ask("owner", "!health")) == TITLE
    said = [r.getMessage() for r in caplog.records if "of its own" in r.getMessage()]
    assert said == [
        "the bot has a command 'health' of its own: the admin command is `watch health` instead",
        "the bot has a command 'watch' of its own: the admin command is `whisperwatch …` instead",
    ]


async def test_what_the_bot_does_around_its_commands_is_not_done(run: Run, ask: Ask, make_bot: Any) -> None:
    """It may be broken just when somebody asks how the bot is."""
    bot = make_bot()

    @bot.check
    async def never(ctx: Any) -> bool:
        raise commands.CheckFailure("closed")

    @bot.before_invoke
    async def broken(ctx: Any) -> None:
        raise RuntimeError("no database")

    async with run(bot):
        assert title(await ask("owner", "!health")) == TITLE
        assert (await ask("owner", "!ping")).content == "error: closed"
    assert "health" not in bot.invoked


async def test_a_bot_that_looks_at_the_context_first(run: Run, ask: Ask, make_bot: Any) -> None:
    """What is no command goes to its language model, say."""

    class Own(commands.Context[Any]):
        """A context of the bot's."""

    class Talker(make_bot):  # type: ignore[misc]
        async def get_context(self, origin: Any, /, *, cls: Any = Own) -> Any:
            return await super().get_context(origin, cls=cls)

        async def on_message(self, message: discord.Message, /) -> None:
            if message.author.bot:
                return
            ctx = await self.get_context(message)
            assert type(ctx) is Own
            if ctx.valid:
                await self.invoke(ctx)
            else:
                await message.reply("let us talk")

    async with run(Talker()):
        assert title(await ask("owner", "!health")) == TITLE
        assert (await ask("ada", "!health")).content == "let us talk"


async def test_they_are_no_work_of_the_bots(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    async with run(make_bot()):
        for text in ("!health", "!ping", "!health", "!ping"):
            await ask("owner", text)
        await server.until(lambda: min(_counted().values()) >= 2)
        assert set(_counted().values()) == {2}


def _asked_for_owners(server: LoopbackDiscord) -> int:
    return len([request for request in server.ledger.requests if request.path == "/oauth2/applications/@me"])


def _counted() -> dict[str, float]:
    """Commands and replies of the bot, as far as the ship has settled them."""
    return {
        metric.name: sum(
            cell.value if hasattr(cell, "value") else sum(cell.counts) for cell in recorder.instrument(metric)
        )
        for metric in (semconv.COMMAND_DURATION, semconv.MESSAGES_HANDLED, semconv.RESPONSE_TIME)
    }


@pytest.mark.parametrize("prefix", ["!", "mention"])
async def test_without_message_content(
    run: Run,
    ask: Ask,
    make_bot: Any,
    server: LoopbackDiscord,
    prefix: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "whisperwatch")
    intents = discord.Intents.default()
    mention = commands.when_mentioned if prefix == "mention" else prefix
    owner = server.user("owner")
    async with run(make_bot(mention, intents=intents)):
        if prefix == "mention":
            assert title(await ask(owner, f"<@{server.bot.id}> health")) == TITLE
        else:
            direct = await server.reply_to(await owner.dm("!health"), timeout=15)
            assert title(direct) == "⚠️ The bot is degraded"
            assert "Intents missing: message" in fields(direct)["⚠️ Discord"]
    said = [r.getMessage() for r in caplog.records if r.getMessage().startswith("admin commands")]
    assert len(said) == 1
    assert "in direct messages and where the bot is mentioned" in said[0]


async def test_where_embeds_may_not_be_sent_it_is_text(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    embed_links = 1 << 14
    for role in server.guild("home").roles.values():
        role.permissions &= ~embed_links
    async with run(make_bot()):
        answer = await ask("owner", "!health")
    assert answer.embeds == []
    assert answer.content.startswith("```\n✅ The bot is healthy\n")


async def test_where_nothing_may_be_sent(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    bot = make_bot()
    async with run(bot):
        with server.faults.errors(403, route="/channels/{channel_id}/messages"):
            await server.user("owner").say("!health")
            await server.until(lambda: "could not be answered in its channel: Forbidden" in caplog.text)
        assert title(await ask("owner", "!health")) == TITLE
    assert bot.errors == []


@pytest.mark.parametrize(
    ("name", "value"), [("WHISPERWATCH_WATCHER", "off"), ("WHISPERWATCH_COMMANDS", "no")]
)
async def test_off_is_off_in_a_sync_too(
    watcher: Path,
    make_bot: Any,
    server: LoopbackDiscord,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)
    bot = make_bot()
    async with server.running(bot):
        await bot.tree.sync(guild=discord.Object(server.guild("home").id))
    assert not server.core.application.commands.get(server.guild("home").id)


async def test_a_bot_without_a_prefix_is_talked_to(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    """As companions are, in direct messages."""

    class Companion(make_bot):  # type: ignore[misc]
        async def on_message(self, message: discord.Message, /) -> None:
            ctx = await self.get_context(message)
            if ctx.valid:
                await self.invoke(ctx)
            elif not message.author.bot:
                await message.channel.send("let us talk")

    async with run(Companion("")):
        for text in ("health is what matters", "watch this", "watch", "Health", "logs are full of it"):
            assert (await ask("owner", text)).content == "let us talk"
        for text in ("health", "health detailed", "watch health"):
            assert title(await ask("owner", text)) == TITLE


async def test_a_sharded_bot(run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord) -> None:
    class Sharded(make_bot, commands.AutoShardedBot):  # type: ignore[misc]
        """The same, on shards."""

    async with run(Sharded(shard_count=2)):
        health = await ask("owner", "!health detailed")
    assert "2 shards connected and ready" in fields(health)["✅ Discord"]


async def test_a_watcher_in_a_thread(
    run: Run, ask: Ask, make_bot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHISPERWATCH_WATCHER", "thread")
    async with run(make_bot()):
        assert title(await ask("owner", "!health")) == TITLE


async def test_switched_off(run: Run, ask: Ask, make_bot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHISPERWATCH_COMMANDS", "false")
    async with run(make_bot()):
        assert "is not found" in (await ask("owner", "!health")).content
