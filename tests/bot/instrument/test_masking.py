"""What a user wrote and is called is masked in what the bot records of its own accord, in a real bot."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from types import SimpleNamespace

import discord
import pytest
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

import whisperwatch
from whisperwatch.bot import guard
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrument.bots import Bot
from whisperwatch.bot.masking import MASKED, mask, told
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.demo.loopback import GuildPlan, LoopbackDiscord

PLAN = GuildPlan("Secret Society", ("hidden-room", "random"), (), "the-owner")
SAID = "!note my grandmother lives in Lower Saxony"
Press = discord.Interaction


@pytest.fixture
def waits():
    """Set when the bot waits for another message."""
    return asyncio.Event()


@pytest.fixture
def noted(bot, waits):
    """Texts that the bot has masked, by what it says is in them."""
    found: dict[str, str] = {}

    @bot.command()
    async def note(ctx, *, text):
        found["content"] = mask(f"saving {text!r}")
        found["names"] = mask(f"{ctx.author} of {ctx.guild.name} in #{ctx.channel}")
        told("You are a pirate, and answer in rhymes.")
        found["prompt"] = mask("prompt: you are a pirate")
        with trace.get_tracer("bot").start_as_current_span("own") as span:
            try:
                raise ValueError(f"can't parse {text}")
            except ValueError as error:
                span.record_exception(error)
                span.set_status(Status(StatusCode.ERROR, str(error)))

        async def later():
            await asyncio.sleep(0.05)
            found["later"] = mask(f"later: {text}")

        bot.late = asyncio.create_task(later())

    @bot.tree.command()
    async def tell(press: Press, story: str):
        found["option"] = mask(f"story={story}")
        found["option names"] = mask(f"{press.user} of {press.guild}")
        await press.response.send_message("told")

    @bot.listen()
    async def on_message_edit(before, after):
        found["edit"] = mask(f"from {before.content} to {after.content} by {after.author}")

    @bot.listen()
    async def on_member_join(member):
        found["member"] = mask(f"welcome, {member.name} of {member.guild.name}")

    @bot.listen()
    async def on_raw_reaction_add(payload):
        mask("so its needles are made before the other event's")

    @bot.listen()
    async def on_reaction_add(reaction, user):
        message = reaction.message
        found["reaction"] = mask(f"{user} reacted to {message.content} in #{message.channel}")

    @bot.listen()
    async def on_typing(channel, user, when):
        found["typing"] = mask(f"{user} types in #{channel}")

    @bot.listen()
    async def on_guild_join(guild):
        found["joined"] = mask(f"joined {guild}")

    @bot.command()
    async def wait(ctx):
        found["mentioned"] = mask(f"for {ctx.message.mentions[0].name}")
        asyncio.get_running_loop().call_soon(waits.set)
        answer = await bot.wait_for("message", check=lambda message: message.author == ctx.author)
        found["waited"] = mask(f"then said: {answer.content}")

    @bot.command()
    async def play(ctx):
        told("a pirate who answers in rhymes")

        async def game():
            for turn in range(20):
                asyncio.get_running_loop().call_soon(waits.set)
                answer = await bot.wait_for("message", check=lambda message: message.author == ctx.author)
                found[f"turn {turn}"] = mask(f"said: {answer.content}")
            found["still"] = mask("the pirate who answers in rhymes")

        bot.late = asyncio.create_task(game())

    bot.noted = found
    return bot


async def test_words_and_names_of_the_current_event_are_masked(run, noted, waits, tape, settle):
    async with LoopbackDiscord([PLAN], people=["ada-of-old", "robert"]) as server, run(server, noted):
        ada = server.user("ada-of-old")
        said = await ada.say(SAID)
        await settle(server, noted)
        await noted.late
        await server.reply_to(await ada.slash("tell", story="once upon a time there was"))
        await ada.react(said, "👍")
        await ada.type()
        await settle(server, noted)
        await ada.edit(said, "something quite different")
        await server.user("new-member").join()
        await settle(server, noted)
        bob = server.user("robert")
        await bob.say(f"!wait <@{ada.id}>")
        await waits.wait()
        await bob.say("what nobody else may read")
        noted.dispatch("guild_join", noted.guilds[0])
        await settle(server, noted)
        assert noted.noted == {
            "content": "saving '[masked]'",
            "names": "[masked] of [masked] in #[masked]",
            "prompt": "prompt: [masked]",
            "later": "later: [masked]",
            "option": "story=[masked]",
            "option names": "[masked] of [masked]",
            "edit": "from ![masked] to [masked] by [masked]",
            "reaction": "[masked] reacted to ![masked] in #[masked]",
            "typing": "[masked] types in #[masked]",
            "joined": "joined [masked]",
            "waited": "then said: [masked]",
            "mentioned": "for [masked]",
            "member": "welcome, [masked] of [masked]",
        }
    own = next(span for span in tape.spans() if span.name == "own")
    (exception,) = [attributes for name, attributes in own.events if name == "exception"]
    assert exception["exception.message"] == "can't parse [masked]"
    assert "grandmother" not in exception["exception.stacktrace"]
    assert "ValueError: can't parse [masked]" in exception["exception.stacktrace"]
    descriptions = [record[12] for record in tape.taken if record[5] == "own"]
    assert descriptions == ["can't parse [masked]"]


async def test_what_a_task_waits_for_after_its_event_is_over_is_masked_and_takes_nothings_place(
    run, noted, waits, settle
):
    async with LoopbackDiscord([PLAN], people=["robert"]) as server, run(server, noted):
        bob = server.user("robert")
        await bob.say("!play")
        await settle(server, noted)
        for turn in range(20):
            await waits.wait()
            waits.clear()
            await bob.say(f"what nobody else {turn} may read")
        await noted.late
    said = [noted.noted[f"turn {turn}"] for turn in range(20)]
    assert not [
        one for one in said if not one.startswith("said: [masked]") or "nobody" in one or "read" in one
    ]
    assert "pirate" not in noted.noted["still"]


async def test_without_an_event_only_what_was_told_is_masked(tape):
    text = "saved in 12 ms"
    assert mask(text) == text
    told("the prompt about my grandmother")
    assert mask(text) == text
    assert mask("about my grandmother") == MASKED
    assert await asyncio.create_task(_masked("the prompt about")) == MASKED


async def test_outside_of_an_event_what_was_said_last_is_masked_but_no_single_word(run, bot, tape, settle):
    found: dict[str, str] = {}
    queue: asyncio.Queue[str] = asyncio.Queue()

    @bot.listen()
    async def on_message(message):
        queue.put_nowait(message.content)
        with whisperwatch.job("tidy"):
            found["job"] = mask(f"tidying {message.content}")

    async def work():
        while True:
            text = await queue.get()
            found["queue"] = mask(f"working on {text!r}")
            thread = threading.Thread(
                target=lambda text=text: found.update(thread=mask(f"in a thread: {text}"))
            )
            thread.start()
            thread.join()
            queue.task_done()

    async with LoopbackDiscord([PLAN], people=["ada-of-old"]) as server, run(server, bot):
        worker = asyncio.create_task(work())
        ada = server.user("ada-of-old")
        await ada.say("my grandmother lives in Lower Saxony")
        await settle(server, bot)
        await queue.join()
        assert found == {
            "job": "tidying [masked]", "queue": "working on '[masked]'", "thread": "in a thread: [masked]"
        }  # fmt: skip
        own = "the queue 'grandmother' in random is empty, says ada-of-old"
        assert mask(own) == own
        for number in range(64):
            assert MASKED in mask("lives in lower saxony")
            await ada.say(f"number {number}")
            await settle(server, bot)
        assert mask("lives in lower saxony") == "lives in lower saxony", "64 messages are remembered"
        worker.cancel()


async def test_outside_of_an_event_a_line_costs_little(tape):
    bot = Bot(discord.Client(intents=discord.Intents.none()))
    for number in range(64):
        said = f"the message of number {number} has some words, as messages have, and then a few words more"
        bot.recent.subjects.append(SimpleNamespace(content=said))
    line = "replied in 153 ms, prompt of 1532 tokens, cache miss for embeddings, queue depth 3"
    assert mask(line) == line
    assert pace(line, 10) < 2000, "32 µs where a step of a loop takes 16 ns; 10 are usual"


async def _masked(text: str) -> str:
    return mask(text)


def test_a_text_that_cannot_be_looked_at_is_dropped_and_counted(recording, monkeypatch):
    monkeypatch.setattr(guard, "strict", False)

    def work() -> None:
        told("something")
        assert mask(None) == MASKED  # type: ignore[arg-type]
        told(12)  # type: ignore[arg-type]

    contextvars.copy_context().run(work)
    assert guard.counts == {"mask": 1, "told": 1}
    guard.counts.clear()


@pytest.mark.parametrize(("opted_in", "masks"), [("", True), ("true", False)])
def test_it_is_the_recorders_while_watched_unless_opted_out(unshipped, monkeypatch, opted_in, masks):
    monkeypatch.setenv("WHISPERWATCH_EXPOSE_WORDS", opted_in)
    assert recorder.mask is str
    assert watching.instrument()
    assert (recorder.mask is mask) is masks
    watching.uninstrument()
    assert recorder.mask is str


def pace(line, times):
    """How many steps of a loop it takes to mask it, measured side by side, for the machine's own pace changes; of
    twenty times the fifth, for others take the processor away in most."""
    found = []
    for _ in range(20):
        before = time.perf_counter()
        for _ in range(times):
            mask(line)
        took_s = (time.perf_counter() - before) / times
        before = time.perf_counter()
        for _ in range(10_000):
            pass
        found.append(took_s / ((time.perf_counter() - before) / 10_000))
    return sorted(found)[4]


async def test_a_log_line_costs_little(run, noted, tape):
    found: list[float] = []

    @noted.command()
    async def cost(ctx):
        line = "replied in 153 ms, prompt of 1532 tokens, cache miss for embeddings, queue depth 3"
        assert mask(line) == line
        found.append(pace(line, 100))

    async with LoopbackDiscord([PLAN], people=["ada-of-old"]) as server, run(server, noted):
        await server.user("ada-of-old").say("!cost what is the meaning of life, the universe and everything")
    assert found[0] < 250, "4 µs where a step of a loop takes 16 ns; 2.5 are usual"


async def test_telling_costs_little_and_the_newest_are_kept(recording):
    prompt = "answer as a pirate would do it " * 1000
    before = time.perf_counter()
    for _ in range(1000):
        told(prompt)
    assert (time.perf_counter() - before) / 1000 < 50e-6, "it is not looked at before a text is masked"
    for number in range(16):
        told(f"the prompt with number{number}x")
    assert mask("as a pirate would") == "as a pirate would"
    assert mask("prompt with number0x") == MASKED
