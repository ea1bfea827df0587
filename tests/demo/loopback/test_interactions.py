"""Slash commands, context menus, autocomplete, components and modals, with discord.py's own tree and views."""

from __future__ import annotations

import asyncio
import io

import discord
import pytest
from discord import app_commands
from discord.ext import commands

Press = discord.Interaction


@pytest.fixture
def tree(bot):
    return bot.tree


async def test_slash_command_with_options_of_every_kind(server, bot, tree):
    @tree.command()
    async def all_of_them(
        press: Press, text: str, number: int, share: float, yes: bool,
        who: discord.Member, where: discord.TextChannel, role: discord.Role,
    ):  # fmt: skip
        await press.response.send_message(
            f"{text} {number} {share} {yes} {who.name} {where.name} {role.name}"
        )

    async with server.running(bot):
        interaction = await server.user("ada").slash(
            "all_of_them", text="hi", number=3, share=0.5, yes=True, who=server.user("grace"),
            where=server.channel("random"), role=server.guild().role("admin"),
        )  # fmt: skip
        reply = await server.reply_to(interaction)
    assert reply.content == "hi 3 0.5 True grace random admin"
    assert interaction.answer_type == 4
    assert not interaction.late
    assert server.ledger.interaction_counts["slash", "all_of_them"] == 1


async def test_subcommands_of_groups(server, bot, tree):
    outer = app_commands.Group(name="config", description="-")
    inner = app_commands.Group(name="model", description="-", parent=outer)

    @inner.command(name="set")
    async def set_model(press: Press, key: str):
        await press.response.send_message(press.command.qualified_name + " " + key)

    tree.add_command(outer)
    async with server.running(bot):
        ada = server.user("ada")
        reply = await server.reply_to(await ada.slash("config model set", key="x"))
        assert reply.content == "config model set x"
        with pytest.raises(LookupError, match=r"has no 'get'; it has \['set'\]"):
            await ada.slash("config model get")
        with pytest.raises(LookupError, match="has no 'other'"):
            await ada.slash("config model set", other="x")


async def test_unregistered_commands_are_named(server, bot):
    async with server.running(bot):
        with pytest.raises(LookupError, match=r"no command 'ghost' is registered.*tree\.sync"):
            await server.user("ada").slash("ghost")


async def test_commands_of_one_guild(server, bot, tree):
    home = discord.Object(server.guild().id)

    @tree.command(guild=home)
    async def local(press: Press):
        await press.response.send_message("here")

    async with server.running(bot):
        synced = await tree.sync(guild=home)
        assert [command.name for command in synced] == ["local"]
        assert (await server.reply_to(await server.user("ada").slash("local"))).content == "here"
        assert [command.name for command in await tree.fetch_commands(guild=home)] == ["local"]
        again = await tree.sync(guild=home)
        assert again[0].id == synced[0].id


async def test_a_hybrid_command_both_ways(server, bot):
    @bot.hybrid_command()
    async def both(ctx: commands.Context[commands.Bot]):
        await ctx.send("slash" if ctx.interaction else "prefix")

    async with server.running(bot):
        ada = server.user("ada")
        assert (await server.reply_to(await ada.slash("both"))).content == "slash"
        assert (await server.reply_to(await ada.say("!both"))).content == "prefix"


async def test_a_deferred_answer_becomes_visible_when_it_is_filled(server, bot, tree):
    gate = asyncio.Event()

    @tree.command()
    async def slow(press: Press):
        await press.response.defer(thinking=True)
        await gate.wait()
        await press.followup.send("done")
        await press.followup.send("and more")

    async with server.running(bot):
        interaction = await server.user("ada").slash("slow")
        await interaction.answered()
        assert interaction.answer_type == 5
        assert interaction.response.loading
        assert interaction.replies == []
        assert server.ledger.message_counts["bot"] == 0
        gate.set()
        await server.until(lambda: len(interaction.replies) == 2)
    assert [message.content for message in interaction.replies] == ["done", "and more"]
    assert server.ledger.message_counts["bot"] == 2
    assert interaction.replied_at >= interaction.answered_at


async def test_original_response_can_be_fetched_edited_and_deleted(server, bot, tree):
    @tree.command()
    async def change(press: Press):
        await press.response.send_message("one", ephemeral=True)
        original = await press.original_response()
        await press.edit_original_response(content=original.content + " two")
        sent = await press.followup.send("three", wait=True)
        await sent.edit(content="four")
        await sent.delete()
        await press.delete_original_response()

    async with server.running(bot):
        interaction = await server.user("ada").slash("change")
        await server.until(lambda: interaction.response is not None and interaction.response.deleted)
    assert interaction.response.content == "one two"
    assert interaction.response.ephemeral
    assert server.ledger.sent("MESSAGE_CREATE") == 1, "ephemeral messages make no event, the followup does"
    webhook = "/webhooks/{webhook_id}/{webhook_token}"
    assert server.ledger.requested(webhook, "POST", 200) == 1
    assert server.ledger.requested(webhook + "/messages/{message_id}", "PATCH", 200) == 1
    assert server.ledger.requested(webhook + "/messages/@original", "PATCH", 200) == 1


async def test_an_answer_after_the_deadline_is_unknown(server, bot, tree, monkeypatch):
    monkeypatch.setattr(server.core, "answer_deadline", -1.0)
    codes = []

    @tree.command()
    async def late(press: Press):
        await press.response.send_message("too late")

    @tree.error
    async def on_error(press: Press, error: app_commands.AppCommandError):
        codes.append(error.original.code)

    async with server.running(bot):
        interaction = await server.user("ada").slash("late")
        await server.until(lambda: codes)
    assert codes == [10062]
    assert interaction.late
    assert interaction.answered_at is None


async def test_a_second_answer_is_refused(server, bot, tree):
    codes = []

    @tree.command()
    async def twice(press: Press):
        await press.response.send_message("one")
        press.response._response_type = None
        try:
            await press.response.send_message("two")
        except discord.HTTPException as error:
            codes.append(error.code)

    async with server.running(bot):
        await server.user("ada").slash("twice")
        await server.until(lambda: codes)
    assert codes == [40060]


async def test_context_menus_of_users_and_messages(server, bot, tree):
    @tree.context_menu(name="Greet")
    async def greet(press: Press, member: discord.Member):
        await press.response.send_message(f"hello {member.name}")

    @tree.context_menu(name="Quote")
    async def quote(press: Press, message: discord.Message):
        await press.response.send_message(f"“{message.content}”")

    async with server.running(bot):
        ada = server.user("ada")
        said = await server.user("grace").say("wise words")
        assert (
            await server.reply_to(await ada.context_menu("Greet", server.user("grace")))
        ).content == "hello grace"
        assert (await server.reply_to(await ada.context_menu("Quote", said))).content == "“wise words”"
    assert server.ledger.interaction_counts["context_menu", "Quote"] == 1


async def test_autocomplete(server, bot, tree):
    @tree.command()
    async def pick(press: Press, fruit: str):
        await press.response.send_message(fruit)

    @pick.autocomplete("fruit")
    async def fruits(press: Press, current: str):
        known = ["apple", "apricot", "pear"]
        return [app_commands.Choice(name=f.title(), value=f) for f in known if f.startswith(current)]

    async with server.running(bot):
        choices = await server.user("ada").autocomplete("pick", "fruit", "ap")
    assert [choice["name"] for choice in choices] == ["Apple", "Apricot"]


class Panel(discord.ui.View):
    @discord.ui.button(label="Again", custom_id="again")
    async def again(self, press: Press, button: discord.ui.Button):
        button.label = "Pressed"
        await press.response.edit_message(content="pressed", view=self)

    @discord.ui.button(label="Quiet")
    async def quiet(self, press: Press, button: discord.ui.Button):
        await press.response.defer()
        await press.edit_original_response(content="quietly")

    @discord.ui.select(
        options=[discord.SelectOption(label="Red", value="r"), discord.SelectOption(label="Blue")]
    )
    async def colour(self, press: Press, select: discord.ui.Select):
        await press.response.send_message("chose " + ",".join(select.values))

    @discord.ui.select(cls=discord.ui.UserSelect, placeholder="Who?")
    async def who(self, press: Press, select: discord.ui.UserSelect):
        await press.response.send_message("chose " + select.values[0].name)


async def test_buttons_and_selects(server, bot):
    @bot.command()
    async def panel(ctx):
        await ctx.send("panel", view=Panel())

    async with server.running(bot):
        ada = server.user("ada")
        message = await server.reply_to(await ada.say("!panel"))
        assert await server.reply_to(await ada.click(message, "again")) is message
        assert message.content == "pressed"
        await (await ada.click(message, "Pressed")).answered()
        assert (await server.reply_to(await ada.click(message, "Quiet"))).content == "quietly"
        chosen = await server.reply_to(await ada.choose(message, "Red", select=_select(message)))
        assert chosen.content == "chose r"
        chosen = await server.reply_to(await ada.choose(message, server.user("grace"), select="Who?"))
        assert chosen.content == "chose grace"
        with pytest.raises(LookupError, match=r"has no button 'Nope'; it has \['Pressed', 'Quiet'\]"):
            await ada.click(message, "Nope")
        with pytest.raises(LookupError, match="offers no 'Green'"):
            await ada.choose(message, "Green", select=_select(message))
    assert server.ledger.interaction_counts["component", "again"] == 2


def _select(message):
    return next(
        row["components"][0]["custom_id"] for row in message.components if row["components"][0]["type"] == 3
    )


class Feedback(discord.ui.Modal, title="Feedback"):
    subject = discord.ui.TextInput(label="Subject")
    words = discord.ui.TextInput(label="Words", required=False, default="none")

    async def on_submit(self, press: Press):
        await press.response.send_message(f"{self.subject.value}: {self.words.value}")


async def test_a_modal_from_a_command(server, bot, tree):
    @tree.command()
    async def feedback(press: Press):
        await press.response.send_modal(Feedback())

    async with server.running(bot):
        ada = server.user("ada")
        opened = await ada.slash("feedback")
        submitted = await ada.submit(opened, {"Subject": "bugs"})
        assert (await server.reply_to(submitted)).content == "bugs: none"
        assert opened.answer_type == 9
        with pytest.raises(LookupError, match=r"has no field \['Colour'\]"):
            await ada.submit(opened, {"Colour": "red"})


async def test_a_modal_is_expected(server, bot, tree):
    @tree.command()
    async def plain(press: Press):
        await press.response.send_message("no modal here")

    async with server.running(bot):
        ada = server.user("ada")
        opened = await ada.slash("plain")
        with pytest.raises(LookupError, match="answered with type 4, not a modal"):
            await ada.submit(opened, {})


async def test_commands_in_direct_messages(server, bot, tree):
    @tree.command()
    async def secret(press: Press):
        await press.response.send_message("guild" if press.guild else "direct")

    async with server.running(bot):
        ada = server.user("ada")
        interaction = await ada.slash("secret", ada.direct_channel)
        assert (await server.reply_to(interaction)).content == "direct"


async def test_files_travel_with_an_answer(server, bot, tree):
    @tree.command()
    async def chart(press: Press):
        await press.response.send_message(file=discord.File(io.BytesIO(b"abc"), "chart.txt"))

    async with server.running(bot):
        reply = await server.reply_to(await server.user("ada").slash("chart"))
    assert [(a["filename"], a["size"]) for a in reply.attachments] == [("chart.txt", 3)]
