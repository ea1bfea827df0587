"""The patch table as a whole: put on and taken off by identity, and a bot that goes on whatever of ours breaks."""

import asyncio
import logging

import discord
import pytest
from discord import app_commands
from discord.ext import commands, tasks
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.sampling import Sampler

from whisperwatch import semconv
from whisperwatch.bot import guard, voyage
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrument import (
    bots,
    components,
    event_roots,
    events,
    gateway,
    identifies,
    interactions,
    invocation,
    requests,
    rest,
    routes,
    runtime,
)
from whisperwatch.bot.instrument import commands as prefix
from whisperwatch.bot.instrument import tasks as background
from whisperwatch.bot.instrument.table import patches
from whisperwatch.bot.recording import cells, spans
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.recorder import Recorder
from whisperwatch.bot.recording.roots import Root
from whisperwatch.bot.recording.tracer import Tracer, TracerProvider
from whisperwatch.bot.recording.tracing import Tracing, tracing
from whisperwatch.demo.loopback import LoopbackDiscord

Press = discord.Interaction


def here(patch):
    return vars(patch.owner)[patch.name]


def test_patches_are_taken_back_by_identity(unshipped, caplog):
    table = patches(watching._login)
    before = [here(patch) for patch in table]
    assert watching.instrument()
    replaced = [here(patch) for patch in table]
    assert not any(new is old for new, old in zip(replaced, before, strict=True))
    assert watching.instrument(), "a second call does nothing"
    assert [here(patch) for patch in table] == replaced
    watching.uninstrument()
    assert all(here(patch) is old for patch, old in zip(table, before, strict=True))
    watching.uninstrument()
    assert all(here(patch) is old for patch, old in zip(table, before, strict=True))
    assert caplog.records == [], "every patch has found its function"


def test_replacements_look_like_what_they_replace(unshipped):
    table = patches(watching._login)
    before = [getattr(here(patch), "__func__", here(patch)) for patch in table]
    watching.instrument()
    for patch, old in zip(table, before, strict=True):
        new = getattr(here(patch), "__func__", here(patch))
        assert (new.__qualname__, new.__module__, new.__doc__) == (
            old.__qualname__,
            old.__module__,
            old.__doc__,
        )


def test_what_discord_py_no_longer_has_is_said_and_left_out(unshipped, monkeypatch, caplog):
    monkeypatch.delattr(discord.VoiceClient, "connect")
    with monkeypatch.context() as patch:
        patch.setattr(guard, "strict", False)
        assert watching.instrument()
    assert [record.message for record in caplog.records] == [
        "this discord.py has no connect to watch; what it does is not recorded"
    ]
    watching.uninstrument()
    assert "connect" not in vars(discord.VoiceClient)


class Panel(discord.ui.View):
    def __init__(self, log):
        super().__init__(timeout=0.4)
        self.log = log

    @discord.ui.button(label="yes", custom_id="yes")
    async def yes(self, press, button):
        await press.response.send_message("clicked")

    @discord.ui.button(label="no", custom_id="no")
    async def no(self, press, button):
        raise ValueError("no")

    async def interaction_check(self, press):
        return press.user.name != "linus"

    async def on_error(self, press, error, item):
        self.log.append(("view", repr(error), item.custom_id))
        await press.response.send_message("view sorry")

    async def on_timeout(self):
        self.log.append("view timeout")


class Vote(discord.ui.DynamicItem[discord.ui.Button], template=r"vote:(?P<what>\w+)"):
    def __init__(self, what):
        super().__init__(discord.ui.Button(label=what, custom_id=f"vote:{what}"))

    @classmethod
    async def from_custom_id(cls, press, item, match):
        return cls(match["what"])

    async def callback(self, press):
        await press.response.send_message("voted")


class Form(discord.ui.Modal, title="Form"):
    words = discord.ui.TextInput(label="Words")

    async def on_submit(self, press):
        await press.response.send_message(f"submitted {self.words.value}")


def talkative(make_bot, log):
    """A bot that does a bit of everything, and logs what reaches its handlers."""
    bot = make_bot()

    class Own(commands.Cog):
        @tasks.loop(seconds=0.02, count=2)
        async def tick(self):
            log.append("tick")

        @commands.Cog.listener("on_message")
        async def ears(self, message):
            if message.content == "hear me":
                log.append("heard")
                raise KeyError("ears")

    @bot.event
    async def on_error(event, *args):
        log.append(("on_error", event))

    @bot.event
    async def on_command_error(ctx, error):
        log.append(("command", repr(error)))

    @bot.tree.error
    async def on_tree_error(press, error):
        log.append(("tree", repr(error)))

    @bot.group(invoke_without_command=True)
    async def team(ctx):
        await ctx.send("team")

    @team.command()
    async def add(ctx, number: int):
        await ctx.send(f"added {number}")

    @bot.hybrid_command()
    async def both(ctx):
        await ctx.send("both")

    @bot.command()
    async def bad(ctx):
        raise RuntimeError("bad")

    @bot.command()
    async def quiz(ctx):
        await ctx.send("?")
        answer = await bot.wait_for("message", check=lambda m: m.content == "42", timeout=5)
        await ctx.send(f"right, {answer.author.name}")

    @bot.command()
    async def panel(ctx):
        await ctx.send("panel", view=Panel(log))

    @bot.command()
    async def votes(ctx):
        view = discord.ui.View(timeout=None)
        view.add_item(Vote("good"))
        await ctx.send("votes", view=view)

    @bot.command()
    async def hook(ctx):
        made = await ctx.channel.create_webhook(name="hook")
        await made.send("through the hook", wait=True)

    @bot.tree.command()
    async def ask(press: Press):
        await press.response.defer()
        await press.followup.send("answer")

    @bot.tree.command()
    async def form(press: Press):
        await press.response.send_modal(Form())

    @bot.tree.command()
    async def wrong(press: Press):
        raise RuntimeError("wrong")

    @bot.tree.command()
    async def pick(press: Press, fruit: str): ...

    @pick.autocomplete("fruit")
    async def fruits(press, current):
        return [app_commands.Choice(name="Pear", value="pear")]

    bot.add_dynamic_items(Vote)
    return bot, Own()


async def converse(server, make_bot, settle):
    """A whole conversation; returns what anybody can notice of it."""
    log = []
    bot, cog = talkative(make_bot, log)
    await bot.add_cog(cog)
    async with server.running(bot):
        await asyncio.wait_for(bot.wait_until_ready(), 10)
        cog.tick.start()
        ada, linus = server.user("ada"), server.user("linus")

        async def heard(asked):
            log.append((await server.reply_to(asked)).content)

        for text in ("!team", "!team add 4", "!both"):
            await heard(await ada.say(text))
        for text in ("!team add x", "!bad", "!nothing", "hear me"):
            await ada.say(text)
            await settle(server, bot)
        await heard(await ada.say("!quiz"))
        await heard(await ada.say("42"))
        panel = await server.reply_to(await ada.say("!panel"))
        await heard(await ada.click(panel, "yes"))
        await heard(await ada.click(panel, "no"))
        await linus.click(panel, "yes")
        await settle(server, bot)
        await heard(await ada.click(await server.reply_to(await ada.say("!votes")), "good"))
        await ada.say("!hook")
        await server.until(lambda: any(said.content == "through the hook" for said in server.ledger.messages))
        await heard(await ada.slash("ask"))
        await heard(await ada.slash("both"))
        opened = await ada.slash("form")
        await server.until(lambda: opened.answered_at)
        await settle(server, bot)
        await heard(await ada.submit(opened, {"Words": "mine"}))
        await ada.slash("wrong")
        await settle(server, bot)
        log.append([choice["name"] for choice in await ada.autocomplete("pick", "fruit", "p")])
        await server.disconnect(4000)
        await server.until(lambda: server.ledger.connected("resumed"))
        await heard(await ada.say("!team"))
        await server.until(lambda: "view timeout" in log)
        await server.until(lambda: cog.tick._task.done())
        await settle(server, bot)
    log.append(sorted((what, code) for (_, what, code), _ in server.ledger.close_counts.items()))
    asked = {key: count for key, count in server.ledger.request_counts.items() if key[1] != "/gateway/bot"}
    return sorted(map(repr, log)), asked


without_us = []


@pytest.fixture
async def untouched(unshipped, make_bot, settle):
    """The conversation without us."""
    if not without_us:
        async with LoopbackDiscord() as server:
            without_us.append(await converse(server, make_bot, settle))
    return without_us[0]


def broken(*args, **kwargs):
    raise RuntimeError("broken hook")


class BrokenSampler(Sampler):
    def should_sample(self, *args, **kwargs):
        broken()

    def get_description(self):
        return "broken"


class BrokenStart(SpanProcessor):
    def on_start(self, span, parent_context=None):
        broken()


class BrokenEnd(SpanProcessor):
    def on_end(self, span):
        broken()


BROKEN = [
    (Recorder, "instrument"), (Recorder, "attribute_set"), (Recorder, "span_ended"), (Tracing, "child"),
    (Tracing, "root"), (Tracer, "begin"), (cells.Instrument, "find"), (cells.Value, "add"), (cells.Value, "set"),
    (cells.Distribution, "record"), (spans.Span, "__init__"), (spans.Span, "fail"), (spans.Span, "deliver"),
    (spans.Span, "add_link"), (spans.Span, "set_attribute"), (bots, "Bot"), (bots.Bot, "event_root"),
    (bots.Bot, "parse_root"), (bots.Bot, "event_cells"),
    (event_roots.EventRoot, "__init__"), (event_roots.EventRoot, "describe"), (event_roots.EventRoot, "reply"),
    (event_roots, "_ids"), (events, "_listener_names"), (events, "count_error"),
    (gateway, "watch_socket"), (gateway, "_disconnected"), (gateway, "_events"), (prefix, "_cells"), (prefix, "_final"),
    (prefix, "outcome_of"), (prefix, "register"), (interactions, "register"), (interactions, "outcome_of"),
    (components, "_Teller"), (components, "_Factory"), (components, "cells_of"), (components, "_about"),
    (components, "outcome_of"), (interactions, "cells_of"),
    (invocation, "current_invocation"), (invocation.Invocation, "__init__"), (invocation.Invocation, "complete"),
    (invocation.Invocation, "settle"), (Root, "settle"),
    (invocation.Invocation, "raised"), (routes, "RouteCells"), (rest, "Request"), (rest, "stand_before"),
    (rest, "_replied"), (rest, "_callback_type"), (rest, "bot_of_http"),
    (rest, "any_bot"), (rest, "_is_seen"), (identifies, "learn"), (identifies, "bot_of_http"), (events, "heard"),
    (event_roots.EventRoot, "also"), (requests, "_scope"), (rest.Request, "sending"),
    (rest.Request, "answered"), (rest.Request, "over"), (rest.Request, "settle"), (background, "Run"),
    (background, "TaskRoot"), (background, "TaskCells"), (background, "_timeout_root"),
    (background.TaskRoot, "end_with"), (runtime.Pulse, "start"), (voyage, "sail"),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "name"), BROKEN, ids=lambda part: getattr(part, "__name__", part))
async def test_a_bot_goes_on_when_something_of_ours_breaks(
    untouched, unshipped, make_bot, settle, monkeypatch, owner, name
):
    monkeypatch.setattr(guard, "strict", False)
    assert watching.instrument()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        async with LoopbackDiscord() as server:
            assert await converse(server, make_bot, settle) == untouched


@pytest.mark.parametrize("part", [BrokenSampler, BrokenStart, BrokenEnd])
async def test_a_bot_goes_on_when_a_part_of_the_host_s_breaks(
    untouched, unshipped, make_bot, settle, monkeypatch, part
):
    monkeypatch.setattr(guard, "strict", False)
    assert watching.instrument()
    if part is BrokenSampler:
        providers.__init__()
        tracing.use(TracerProvider(sampler=BrokenSampler(), shutdown_on_exit=False))
    else:
        providers.tracer_provider.add_span_processor(part())
    async with LoopbackDiscord() as server:
        assert await converse(server, make_bot, settle) == untouched
    assert guard.counts


async def test_the_conversation_is_the_same_with_us(untouched, tape, make_bot, settle):
    async with LoopbackDiscord() as server:
        assert await converse(server, make_bot, settle) == untouched
    assert guard.counts == {}
    assert len(tape.roots("message")) > 10


async def test_a_broken_hook_is_counted_each_time_and_said_once(server, run, bot, tape, monkeypatch, caplog):
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(prefix, "_cells", broken)

    @bot.command()
    async def ping(ctx):
        await ctx.send("pong")

    async with run(server, bot):
        for _ in range(3):
            await server.reply_to(await server.user("ada").say("!ping"))
    assert guard.counts == {"command": 3}
    assert tape.cells(semconv.SELF_INTERNAL_ERRORS) == {("command",): 3}
    told = [record for record in caplog.records if record.name == "whisperwatch"]
    assert [record.levelno for record in told] == [logging.WARNING]
    assert "the hook 'command' failed; the bot goes on" in told[0].message
    assert told[0].message.endswith("RuntimeError")
