"""Nothing that people or their guilds are called, say or own leaves on the tape: only ids, where they are hashed."""

import io

import discord
import pytest
from discord import app_commands
from discord.ext import commands, tasks

from whisperwatch import semconv
from whisperwatch.bot.instrument.gauges import read_bots
from whisperwatch.demo.loopback import GuildPlan, LoopbackDiscord

MARK = "maRked"
Press = discord.Interaction


class Panel(discord.ui.View):
    @discord.ui.button(label=f"{MARK} label", custom_id=f"{MARK}-button")
    async def yes(self, press, button):
        await press.response.send_message(f"{MARK} clicked")

    @discord.ui.button(label="no", custom_id=f"{MARK}-no")
    async def no(self, press, button):
        raise ValueError(f"{MARK} error")

    @discord.ui.select(custom_id=f"{MARK}-select", options=[discord.SelectOption(label=f"{MARK} option")])
    async def choose(self, press, select):
        await press.response.send_message(select.values[0])


class Vote(discord.ui.DynamicItem[discord.ui.Button], template=r"vote:(?P<what>.+)"):
    def __init__(self, what):
        super().__init__(discord.ui.Button(label="vote", custom_id=f"vote:{what}"))

    @classmethod
    async def from_custom_id(cls, press, item, match):
        return cls(match["what"])

    async def callback(self, press):
        raise ValueError(f"{MARK} {self.custom_id}")


class Form(discord.ui.Modal, title=f"{MARK} title"):
    words = discord.ui.TextInput(label=f"{MARK} field", custom_id=f"{MARK}-field")

    async def on_submit(self, press):
        await press.response.send_message(self.words.value)


@pytest.fixture
def marked_bot(bot):
    @bot.command()
    async def echo(ctx, *, text):
        await ctx.reply(f"{ctx.author.name} said {text}", file=discord.File(io.BytesIO(b"x"), f"{MARK}.txt"))

    @bot.command()
    async def bad(ctx, *, text):
        raise RuntimeError(text)

    @bot.command()
    async def number(ctx, n: int): ...

    @bot.command()
    async def panel(ctx):
        view = Panel(timeout=60)
        view.add_item(Vote(f"{MARK}-vote"))
        await ctx.send(f"{MARK} panel", view=view)

    @bot.command()
    async def hook(ctx):
        made = await ctx.channel.create_webhook(name=f"{MARK} hook")
        await made.send(f"{MARK} hooked", username=f"{MARK} user", wait=True)

    @bot.command()
    async def wait(ctx):
        await bot.wait_for("message", check=lambda m: m.content.startswith(MARK), timeout=5)

    @bot.tree.command()
    async def ask(press: Press, question: str):
        await press.response.defer()
        await press.followup.send(question)

    @bot.tree.command()
    async def form(press: Press):
        await press.response.send_modal(Form())

    @bot.tree.command()
    async def pick(press: Press, fruit: str): ...

    @pick.autocomplete("fruit")
    async def fruits(press, current):
        if current.endswith("bad"):
            raise ValueError(current)
        return [app_commands.Choice(name=current, value=current)]

    @bot.listen()
    async def on_message(message):
        if message.content == f"{MARK} fail":
            raise ValueError(message.content)

    @tasks.loop(count=1)
    async def tick():
        raise ValueError(f"{MARK} task")

    @tick.error
    async def on_tick_error(error): ...

    @bot.event
    async def on_command_error(ctx, error):
        if isinstance(error, commands.BadArgument):
            raise KeyError(f"{MARK} {error}")

    for name in ("reaction_add", "message_edit", "message_delete", "typing", "member_join", "member_remove"):

        async def heard(*args, name=name):
            bot.dispatch(f"{name}_heard", *args)

        bot.add_listener(heard, f"on_{name}")
    bot.tick = tick
    bot.add_dynamic_items(Vote)
    return bot


async def test_a_whole_conversation_leaves_no_mark(run, marked_bot, tape, settle):
    bot = marked_bot
    plan = GuildPlan(f"{MARK}-guild", (f"{MARK}-general", "random"), (f"{MARK}-voice",), f"{MARK}-owner")
    async with (
        LoopbackDiscord([plan], people=[f"{MARK}-ada"], token=f"{MARK}.token") as server,
        run(server, bot),
    ):
        ada = server.user(f"{MARK}-ada")
        said = await ada.say(f"!echo {MARK} text")
        await server.reply_to(said)
        for text in (f"!bad {MARK}", f"!number {MARK}", f"!{MARK}", f"{MARK} fail", "!wait"):
            await ada.say(text)
            await settle(server, bot) if text != "!wait" else await server.until(
                lambda: "message" in bot._listeners
            )
        await ada.say(f"{MARK} at last")
        await ada.edit(said, f"{MARK} edited")
        await ada.react(said, "👍")
        await ada.type()
        await ada.delete(said)
        await ada.dm(f"!echo {MARK} directly")
        await server.user(f"{MARK}-linus").join()
        await server.user(f"{MARK}-linus").leave()
        panel = await server.reply_to(await ada.say("!panel"))
        await server.reply_to(await ada.click(panel, f"{MARK}-button"))
        await ada.click(panel, f"{MARK}-no")
        await ada.click(panel, f"vote:{MARK}-vote")
        await server.reply_to(await ada.choose(panel, f"{MARK} option"))
        await ada.say("!hook")
        await server.until(lambda: any(m.content == f"{MARK} hooked" for m in server.ledger.messages))
        await server.reply_to(await ada.slash("ask", question=f"{MARK} question"))
        opened = await ada.slash("form")
        await server.until(lambda: opened.answered_at)
        await settle(server, bot)
        await server.reply_to(await ada.submit(opened, {f"{MARK} field": f"{MARK} words"}))
        await ada.autocomplete("pick", "fruit", f"{MARK} p")
        with pytest.raises(TimeoutError):
            await ada.autocomplete("pick", "fruit", f"{MARK} bad", timeout=0.1)
        await bot.get_channel(server.channel("random").id).send(f"{MARK} by the bot")
        with server.faults.errors(403, count=1), pytest.raises(discord.Forbidden):
            await bot.fetch_guild(server.guild().id)
        with pytest.raises(ValueError, match=MARK):
            await bot.tick.start()
        await settle(server, bot)
        read_bots()
        secrets = {MARK, server.token, ada.account.mention}
        for interaction in server.ledger.interactions:
            secrets |= {
                interaction.token,
                interaction.name if MARK in interaction.name else interaction.token,
            }
        ids = {ada.id, server.guild().id, server.bot.id, bot.application_id, ada.direct_channel.id}
        ids |= {channel.id for channel in server.guild().channels.values()}
        ids |= {message.id for message in server.ledger.messages} | {
            each.id for each in server.ledger.interactions
        }
        secrets |= set(server.core.gateway.sessions)
    spans = tape.spans()
    assert len(spans) > 60
    assert any(semconv.USER_ID in span.attributes for span in spans)
    told = [repr(definition) for definition in tape.recorder.definitions]
    told += [repr(record) for record in tape.recorder.all_cells()]
    for span in spans:
        kept = {key: value for key, value in span.attributes.items() if key not in semconv.HASHED_ATTRIBUTES}
        told += [span.name, repr(kept), repr(span.events), repr([attributes for _, attributes in span.links])]
    told += [repr(record[:10] + record[11:13] + record[14:]) for record in tape.taken if record[13] is None]
    everything = "\n".join(told)
    assert not [secret for secret in secrets if secret in everything]
    assert not [each for each in ids if str(each) in everything]


async def test_only_ids_of_the_hashed_attributes_are_on_the_tape(server, run, bot, tape):
    @bot.event
    async def on_message(message):
        await message.channel.typing()

    async with run(server, bot):
        await server.user("ada").say("hello")
    attributes = tape.root("message").attributes
    numbers = {key for key, value in attributes.items() if isinstance(value, int) and value > 1 << 32}
    assert numbers == {semconv.GUILD_ID, semconv.CHANNEL_ID, semconv.USER_ID, semconv.MESSAGE_ID}
    assert numbers == semconv.HASHED_ATTRIBUTES
