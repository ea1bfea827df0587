"""Application commands, autocomplete, components and modals: outcomes, spans, and the user's own error handlers."""

import asyncio
import gc
import re

import discord
import pytest
from discord import app_commands
from discord.ext import commands
from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot import watch as watching

Press = discord.Interaction
ROOT = (
    "interaction (consumer) bot=loopback-bot event=interaction shard=0 guild=guild-0 channel=general user=ada"
)
CALLBACK = "/interactions/{webhook_id}/{webhook_token}/callback"
STATUS = 200 if discord.version_info >= (2, 5) else 204
CALL = f"POST {CALLBACK} (client) method=POST route={CALLBACK} status={STATUS} server=127.0.0.1"
ERRORS = "discord.app_commands.errors."


def command(name, outcome, kind):
    return f"command {name} bot=loopback-bot command={name} kind={kind} outcome={outcome}"


@pytest.fixture
def outcomes(tape):
    return lambda: tape.cells(semconv.COMMAND_DURATION, bot="loopback-bot")


@pytest.fixture(autouse=True)
def none_in_flight(tape):
    yield
    assert tape.cells(semconv.COMMANDS_ACTIVE) == {}


@pytest.fixture
def swallow(bot):
    """The tree's error handler; the errors that it has seen."""
    seen = []

    @bot.tree.error
    async def on_error(press, error):
        seen.append(error)

    return seen


async def test_a_slash_command(server, run, bot, tape, expected, outcomes):
    @bot.tree.command()
    async def ask(press: Press, question: str):
        assert tape.cells(semconv.COMMANDS_ACTIVE) == {("loopback-bot", "ask", "slash"): 1}
        with trace.get_tracer("lib").start_as_current_span("thinking"):
            await asyncio.sleep(0)
        await press.response.send_message("42")

    async with run(server, bot):
        await server.reply_to(await server.user("ada").slash("ask", question="what?"))
    assert tape.show("interaction") == expected(
        f"""
        {ROOT}
          {command("ask", "ok", "slash")}
            thinking
            {CALL}
        """
    )
    assert outcomes() == {("ask", "slash", "ok"): 1}
    assert tape.cells(semconv.EVENT_DURATION, event="interaction") == {("loopback-bot",): 1}


async def test_listeners_and_the_command_are_under_one_root(server, run, bot, tape, expected):
    heard = []

    @bot.tree.command()
    async def ask(press: Press):
        await press.response.defer()

    @bot.event
    async def on_interaction(press):
        heard.append(press)
        with trace.get_tracer("lib").start_as_current_span("heard"):
            pass

    @bot.listen()
    async def on_app_command_completion(press, done):
        heard.append(done)

    async with run(server, bot):
        await (await server.user("ada").slash("ask")).answered()
        await server.until(lambda: len(heard) == 2)
    names = [(span.name, span.attributes.get(semconv.LISTENER)) for span in tape.root("interaction").walk()]
    prefix = "test_listeners_and_the_command_are_under_one_root.<locals>."
    assert sorted(names, key=str) == sorted(
        [
            ("interaction", None),
            ("command ask", None),
            (f"POST {CALLBACK}", None),
            (f"listener {prefix}on_interaction", f"{prefix}on_interaction"),
            ("heard", None),
            (f"listener {prefix}on_app_command_completion", f"{prefix}on_app_command_completion"),
        ],
        key=str,
    )


async def test_groups_and_context_menus(server, run, bot, outcomes, settle, tape):
    outer = app_commands.Group(name="config", description="-")
    inner = app_commands.Group(name="model", description="-", parent=outer)

    @inner.command(name="set")
    async def set_model(press: Press, key: str):
        await press.response.send_message(key)

    bot.tree.add_command(outer)

    @bot.tree.context_menu(name="Greet")
    async def greet(press: Press, member: discord.Member):
        await press.response.send_message("hello")

    @bot.tree.context_menu(name="Quote")
    async def quote(press: Press, message: discord.Message):
        raise ValueError

    class Pack(commands.GroupCog, group_name="pack"):
        @app_commands.command()
        async def open(self, press: Press):
            await press.response.send_message("opened")

    await bot.add_cog(Pack())
    async with run(server, bot):
        known = {
            (cell.attributes[semconv.COMMAND], cell.attributes[semconv.COMMAND_KIND])
            for cell in tape.recorder.instrument(semconv.COMMAND_DURATION)
            if cell.attributes[semconv.BOT_NAME] == "loopback-bot"
        }
        assert {
            ("config model set", "slash"), ("Greet", "context_menu"), ("Quote", "context_menu"), ("pack open", "slash"),
        } <= known, "exported as 0 from the start"  # fmt: skip
        ada = server.user("ada")
        said = await ada.say("wise words")
        await server.reply_to(await ada.slash("config model set", key="x"))
        await server.reply_to(await ada.slash("pack open"))
        await server.reply_to(await ada.context_menu("Greet", server.user("grace")))
        await ada.context_menu("Quote", said)
    assert outcomes() == {
        ("config model set", "slash", "ok"): 1,
        ("pack open", "slash", "ok"): 1,
        ("Greet", "context_menu", "ok"): 1,
        ("Quote", "context_menu", "failure"): 1,
    }


async def test_user_errors_and_rate_limits(server, run, bot, swallow, outcomes, tape, settle):
    class Picky(app_commands.Transformer):
        async def transform(self, press, value):
            raise ValueError("hidden")

    @bot.tree.command()
    async def picky(press: Press, what: app_commands.Transform[str, Picky]): ...

    @bot.tree.command()
    @app_commands.check(lambda press: False)
    async def checked(press: Press): ...

    @bot.tree.command()
    @app_commands.checks.has_permissions(ban_members=True)
    async def ban(press: Press): ...

    @bot.tree.command()
    @app_commands.checks.cooldown(1, 60)
    async def slow(press: Press):
        await press.response.defer()

    async with run(server, bot):
        ada = server.user("ada")
        await ada.slash("picky", what="x")
        for name in ("checked", "ban", "slow", "slow"):
            await ada.slash(name)
            await settle(server, bot)
    assert outcomes() == {
        ("picky", "slash", "user_error"): 1,
        ("checked", "slash", "user_error"): 1,
        ("ban", "slash", "user_error"): 1,
        ("slow", "slash", "ok"): 1,
        ("slow", "slash", "rate_limited"): 1,
    }
    assert [type(error).__name__ for error in swallow] == [
        "TransformerError", "CheckFailure", "MissingPermissions", "CommandOnCooldown",
    ]  # fmt: skip
    assert not any(span.failed for span in tape.spans())


async def test_what_breaks_while_input_is_read_is_a_failure_of_the_bots(
    server, run, bot, swallow, outcomes, tape, settle
):
    class Mood(app_commands.Transformer):
        async def transform(self, press, value):
            return {}[value]

    class Shared(commands.Converter):
        async def convert(self, ctx, argument):
            raise {"bad": commands.BadArgument("no"), "bug": KeyError("no")}[argument]

    @bot.tree.command()
    async def feel(press: Press, mood: app_commands.Transform[str, Mood]): ...

    @bot.hybrid_command()
    async def both(ctx, what: Shared): ...

    async with run(server, bot):
        ada = server.user("ada")
        await ada.slash("feel", mood="x")
        await settle(server, bot)
        for what in ("bad", "bug"):
            await ada.slash("both", what=what)
            await settle(server, bot)
    assert outcomes() == {
        ("feel", "slash", "failure"): 1,
        ("both", "hybrid", "user_error"): 1,
        ("both", "hybrid", "failure"): 1,
    }
    assert [root.attributes.get(semconv.ERROR_TYPE) for root in tape.roots() if root.failed] == [
        "KeyError"
    ] * 2


async def test_a_failure_reaches_the_handlers_as_it_is(server, run, bot, tape, swallow, expected, outcomes):
    raised = RuntimeError("hidden")
    order = []

    @bot.tree.command()
    async def bad(press: Press):
        raise raised

    @bad.error
    async def of_the_command(press, error):
        order.append(error)
        await press.response.send_message("sorry")

    async with run(server, bot):
        await server.reply_to(await server.user("ada").slash("bad"))
    assert order == swallow
    assert type(order[0]) is app_commands.CommandInvokeError
    assert order[0].original is raised
    assert outcomes() == {("bad", "slash", "failure"): 1}
    assert tape.show("interaction") == expected(
        f"""
        {ROOT} error=RuntimeError ERROR [RuntimeError]
          {command("bad", "failure", "slash")} error=RuntimeError ERROR [RuntimeError]
            {CALL}
        """
    )
    assert "hidden" not in str([span.events for span in tape.spans()])


@pytest.mark.parametrize("early", [True, False])
async def test_a_handler_registered_before_or_after_watch(server, run, bot, tape, outcomes, early):
    seen = []

    async def on_error(press, error):
        seen.append(error)

    @bot.tree.command()
    async def bad(press: Press):
        raise RuntimeError

    if early:
        bot.tree.error(on_error)
    watching.watch(bot)
    async with run(server, bot):
        if not early:
            bot.tree.error(on_error)
        await server.user("ada").slash("bad")
        await server.until(lambda: seen)
    assert bot.tree.on_error is on_error
    assert outcomes() == {("bad", "slash", "failure"): 1}


async def test_a_subclass_of_the_tree_with_its_own_handler(server, run, make_bot, tape, outcomes, settle):
    seen = []

    class Tree(app_commands.CommandTree):
        async def on_error(self, press, error):
            seen.append(error)

        async def interaction_check(self, press):
            if press.user.name == "linus":
                return False
            if press.user.name == "grace":
                raise app_commands.CheckFailure("hidden")
            return True

    client = make_bot(tree_cls=Tree)

    @client.tree.command()
    async def ask(press: Press):
        await press.response.defer()

    async with run(server, client):
        for name in ("ada", "linus", "grace"):
            await server.user(name).slash("ask")
            await settle(server, client)
    assert [type(error) for error in seen] == [app_commands.CheckFailure]
    assert outcomes() == {("ask", "slash", "ok"): 1, ("ask", "slash", "user_error"): 2}
    assert [root.children[0].attributes.get(semconv.ERROR_TYPE) for root in tape.roots("interaction")] == [
        None, None, f"{ERRORS}CheckFailure",
    ]  # fmt: skip


async def test_commands_that_discord_has_and_the_bot_has_not(server, run, bot, swallow, outcomes, settle):
    @bot.tree.command()
    async def old(press: Press): ...

    @bot.tree.command()
    async def changed(press: Press, what: str): ...

    async with run(server, bot):
        bot.tree.remove_command("old")
        bot.tree.remove_command("changed")

        @bot.tree.command(name="changed")
        async def otherwise(press: Press, what: str, why: str): ...

        await server.user("ada").slash("old")
        await settle(server, bot)
        await server.user("ada").slash("changed", what="x")
    assert [type(error) for error in swallow] == [
        app_commands.CommandNotFound,
        app_commands.CommandSignatureMismatch,
    ]
    assert outcomes() == {("unknown", "slash", "failure"): 1, ("changed", "slash", "failure"): 1}


async def test_an_error_handler_that_raises(server, run, bot, tape, outcomes, settle):
    raised = KeyError("hidden")

    @bot.tree.command()
    @app_commands.check(lambda press: False)
    async def bad(press: Press): ...

    @bot.tree.error
    async def on_error(press, error):
        raise raised

    told = []
    async with run(server, bot):
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: told.append(context.get("exception"))
        )
        await server.user("ada").slash("bad")
        await settle(server, bot)
        gc.collect()
        await asyncio.sleep(0)
    assert told == [raised], "the task's exception is asyncio's to tell, as without us"
    assert outcomes() == {("bad", "slash", "failure"): 1}
    assert tape.root("interaction").attributes[semconv.ERROR_TYPE] == "KeyError"


async def test_a_cancelled_handler(server, run, bot, tape, outcomes, swallow):
    @bot.tree.command()
    async def gone(press: Press):
        raise asyncio.CancelledError

    async with run(server, bot):
        await server.user("ada").slash("gone")
    assert outcomes() == {("gone", "slash", "cancelled"): 1}
    assert swallow == []
    assert not tape.root("interaction").failed


async def test_autocomplete(server, run, bot, tape, outcomes, expected, caplog, settle):
    @bot.tree.command()
    async def pick(press: Press, fruit: str, colour: str): ...

    @pick.autocomplete("fruit")
    async def fruits(press, current):
        return [app_commands.Choice(name="Pear", value="pear")]

    @pick.autocomplete("colour")
    async def colours(press, current):
        raise ValueError("hidden")

    async with run(server, bot):
        await server.user("ada").autocomplete("pick", "fruit", "p")
        await settle(server, bot)
        with pytest.raises(TimeoutError):
            await server.user("ada").autocomplete("pick", "colour", "r", timeout=0.2)
    assert outcomes() == {("pick", "autocomplete", "ok"): 1, ("pick", "autocomplete", "failure"): 1}
    assert tape.show("interaction") == expected(
        f"""
        {ROOT}
          {command("pick", "ok", "autocomplete")}
            {CALL}
        {ROOT} error=ValueError ERROR [ValueError]
          {command("pick", "failure", "autocomplete")} error=ValueError ERROR [ValueError]
        """
    )
    assert sum("Ignoring exception in autocomplete" in record.message for record in caplog.records) == 1


class Panel(discord.ui.View):
    """A view with a bit of everything."""

    def __init__(self, **options):
        super().__init__(**options)
        self.seen = []
        self.raised = ValueError("hidden")

    @discord.ui.button(label="yes", custom_id="yes")
    async def yes(self, press: Press, button):
        self.seen.append((self, button))
        await press.response.send_message("clicked")

    @discord.ui.button(label="no", custom_id="no")
    async def no(self, press: Press, button):
        raise self.raised

    @discord.ui.button(label="stop", custom_id="stop")
    async def stop_it(self, press: Press, button):
        await press.response.defer()
        self.stop()

    @discord.ui.button(label="gone", custom_id="gone")
    async def gone(self, press: Press, button):
        raise asyncio.CancelledError

    @discord.ui.select(custom_id="colour", options=[discord.SelectOption(label="Red", value="red")])
    async def colour(self, press: Press, select):
        await press.response.send_message(select.values[0])

    async def interaction_check(self, press):
        return press.user.name != "linus"


async def test_views(server, run, bot, tape, outcomes, expected, settle):
    views = []

    class Told(Panel):
        async def on_error(self, press, error, item):
            self.seen.append((self, error, item))
            await press.response.send_message("sorry")

    @bot.command()
    async def panel(ctx):
        views.append(Told(timeout=60))
        await ctx.send("panel", view=views[0])

    async with run(server, bot):
        ada = server.user("ada")
        message = await server.reply_to(await ada.say("!panel"))
        await server.reply_to(await ada.click(message, "yes"))
        await server.reply_to(await ada.click(message, "no"))
        await server.reply_to(await ada.choose(message, "Red"))
        await server.user("linus").click(message, "yes")
        await settle(server, bot)
        await ada.click(message, "gone")
        await settle(server, bot)
        expiry = [value for name, value in vars(views[0]).items() if name.endswith("timeout_expiry")]
        await (await ada.click(message, "stop")).answered()
    (view,) = views
    buttons = {item.custom_id: item for item in view.children}
    assert view.seen == [(view, buttons["yes"]), (view, view.raised, buttons["no"])], "the very objects"
    assert view.is_finished()
    assert expiry != [None]
    assert "on_error" not in vars(view)
    assert outcomes() == {
        ("panel", "prefix", "ok"): 1,
        ("Told.yes", "component", "ok"): 1,
        ("Told.no", "component", "failure"): 1,
        ("Told.colour", "component", "ok"): 1,
        ("Told.yes", "component", "user_error"): 1,
        ("Told.gone", "component", "cancelled"): 1,
        ("Told.stop_it", "component", "ok"): 1,
    }
    assert (
        tape.show("interaction").splitlines()[:6]
        == expected(
            f"""
        {ROOT}
          {command("Told.yes", "ok", "component")}
            {CALL}
        {ROOT} error=ValueError ERROR [ValueError]
          {command("Told.no", "failure", "component")} error=ValueError ERROR [ValueError]
            {CALL}
        """
        ).splitlines()
    )
    assert tape.cells(semconv.EVENT_ERRORS) == {("loopback-bot", "interaction", "ValueError"): 1}


async def test_a_view_without_a_handler_is_logged_as_without_us(server, run, bot, caplog, settle):
    views = []

    @bot.command()
    async def panel(ctx):
        views.append(Panel())
        await ctx.send("panel", view=views[0])

    async with run(server, bot):
        ada = server.user("ada")
        message = await server.reply_to(await ada.say("!panel"))
        await ada.click(message, "no")
    (record,) = [record for record in caplog.records if "Ignoring exception in view" in record.message]
    item = next(item for item in views[0].children if getattr(item, "custom_id", "") == "no")
    assert record.exc_info[1] is views[0].raised
    assert record.args == (views[0], item)


async def test_on_error_set_on_the_view_or_raising(server, run, bot, tape, outcomes, settle):
    seen = []
    views = []

    async def on_error(press, error, item):
        seen.append((error, item))
        raise KeyError("hidden")

    @bot.command()
    async def panel(ctx):
        views.append(Panel())
        views[0].on_error = on_error
        await ctx.send("panel", view=views[0])

    async with run(server, bot):
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        ada = server.user("ada")
        message = await server.reply_to(await ada.say("!panel"))
        await ada.click(message, "no")
    assert [error for error, _ in seen] == [views[0].raised]
    assert views[0].on_error is on_error
    assert outcomes()["Panel.no", "component", "failure"] == 1
    assert tape.root("interaction").attributes[semconv.ERROR_TYPE] == "ValueError", "its own comes first"


async def test_an_item_s_own_check(server, run, bot, outcomes, settle):
    class Mine(discord.ui.Button):
        async def interaction_check(self, press):
            return press.user.name == "grace"

        async def callback(self, press):
            await press.response.send_message("yours")

    @bot.command()
    async def panel(ctx):
        view = discord.ui.View()
        view.add_item(Mine(label="mine"))
        await ctx.send("panel", view=view)

    async with run(server, bot):
        message = await server.reply_to(await server.user("ada").say("!panel"))
        await server.user("ada").click(message, "mine")
        await settle(server, bot)
        await server.reply_to(await server.user("grace").click(message, "mine"))
    assert outcomes() == {
        ("panel", "prefix", "ok"): 1,
        ("View.Mine", "component", "user_error"): 1,
        ("View.Mine", "component", "ok"): 1,
    }


async def test_an_item_that_has_a_response_of_its_own_is_no_modal(server, run, bot, outcomes):
    class Mine(discord.ui.Button):
        response = "what it answers"

        async def callback(self, press):
            await press.response.send_message(self.response)

    @bot.command()
    async def panel(ctx):
        view = discord.ui.View()
        view.add_item(Mine(label="mine"))
        await ctx.send("panel", view=view)

    async with run(server, bot):
        message = await server.reply_to(await server.user("ada").say("!panel"))
        await server.reply_to(await server.user("ada").click(message, "mine"))
    assert outcomes()["View.Mine", "component", "ok"] == 1


async def test_a_persistent_view(server, run, bot, outcomes):
    sent = []

    @bot.command()
    async def panel(ctx):
        sent.append(await ctx.send("panel", view=Panel(timeout=None)))

    async with run(server, bot):
        message = await server.reply_to(await server.user("ada").say("!panel"))
        bot._connection._view_store._views.clear()  # as after a restart
        bot.add_view(Panel(timeout=None))
        await server.reply_to(await server.user("ada").click(message, "yes"))
    assert outcomes()["Panel.yes", "component", "ok"] == 1


class Vote(discord.ui.DynamicItem[discord.ui.Button], template=r"vote:(?P<what>\w+)"):
    """A dynamic item: its class is all that discord.py keeps of it."""

    built = []

    def __init__(self, what):
        super().__init__(discord.ui.Button(label=what, custom_id=f"vote:{what}"))
        self.what = what

    @classmethod
    async def from_custom_id(cls, press, item, match):
        if match["what"] == "broken":
            raise ZeroDivisionError
        cls.built.append(cls(match["what"]))
        return cls.built[-1]

    async def interaction_check(self, press):
        return press.user.name != "linus"

    async def callback(self, press):
        if self.what == "bad":
            raise ValueError("hidden")
        await press.response.send_message(f"voted {self.what} in {type(self.view).__name__}")


async def test_dynamic_items(server, run, bot, outcomes, tape, settle, caplog):
    @bot.command()
    async def votes(ctx):
        view = discord.ui.View(timeout=None)
        for what in ("good", "bad", "broken"):
            view.add_item(Vote(what))
        await ctx.send("votes", view=view)

    bot.add_dynamic_items(Vote)
    async with run(server, bot):
        ada = server.user("ada")
        message = await server.reply_to(await ada.say("!votes"))
        reply = await server.reply_to(await ada.click(message, "good"))
        assert reply.content == "voted good in View"
        for who, what in (("ada", "bad"), ("ada", "broken"), ("linus", "good")):
            await server.user(who).click(message, what)
            await settle(server, bot)
    assert outcomes() == {
        ("votes", "prefix", "ok"): 1,
        ("Vote", "component", "ok"): 1,
        ("Vote", "component", "failure"): 2,
        ("Vote", "component", "user_error"): 1,
    }
    told = [record.message for record in caplog.records if "dynamic item" in record.message]
    assert re.match(r"Ignoring exception in dynamic item callback for <Vote ", told[0])
    assert told[1] == f"Ignoring exception in dynamic item creation for {Vote!r}"
    failed = [root.attributes[semconv.ERROR_TYPE] for root in tape.roots("interaction") if root.failed]
    assert failed == ["ValueError", "ZeroDivisionError"]
    assert "callback" not in vars(Vote.built[0])


class Feedback(discord.ui.Modal, title="Feedback"):
    words = discord.ui.TextInput(label="Words")
    seen = []

    async def interaction_check(self, press):
        return self.words.value != "refuse"

    async def on_submit(self, press):
        if self.words.value == "bad":
            raise ValueError("hidden")
        await press.response.send_message(self.words.value)

    async def on_error(self, press, error):
        self.seen.append((self, error))
        await press.response.send_message("sorry")


async def test_modals(server, run, bot, tape, outcomes, expected, settle):
    opened = []

    @bot.tree.command()
    async def feedback(press: Press):
        opened.append(Feedback())
        await press.response.send_modal(opened[-1])

    async with run(server, bot):
        ada = server.user("ada")
        for words in ("fine", "bad", "refuse"):
            asked = await ada.slash("feedback")
            await asked.answered()
            await settle(server, bot)
            submitted = await ada.submit(asked, {"Words": words})
            if words != "refuse":
                await server.reply_to(submitted)
            await settle(server, bot)
    assert outcomes() == {
        ("feedback", "slash", "ok"): 3,
        ("Feedback", "modal", "ok"): 1,
        ("Feedback", "modal", "failure"): 1,
        ("Feedback", "modal", "user_error"): 1,
    }
    ((modal, error),) = Feedback.seen
    assert modal is opened[1]
    assert type(error) is ValueError
    assert opened[0].is_finished()
    assert (
        tape.show("interaction").splitlines()[3:6]
        == expected(
            f"""
        {ROOT}
          {command("Feedback", "ok", "modal")}
            {CALL}
        """
        ).splitlines()
    )
    assert tape.cells(semconv.EVENT_ERRORS) == {("loopback-bot", "interaction", "ValueError"): 1}


async def test_a_view_s_timeout_is_a_root_with_a_link(server, run, bot, tape, expected):
    done = []
    tracer = trace.get_tracer("lib")

    class Fleeting(discord.ui.View):
        async def on_timeout(self):
            with tracer.start_as_current_span("tidying up"):
                await asyncio.sleep(0)
            done.append(vars(self).get("on_timeout"))

    class Quiet(discord.ui.View):
        """Nothing happens when it ends."""

    class Failing(discord.ui.View):
        async def on_timeout(self):
            done.append(None)
            raise ValueError("hidden")

    @bot.command()
    async def panel(ctx):
        for kind in (Fleeting, Quiet, Failing):
            view = kind(timeout=0.05)
            view.add_item(discord.ui.Button(label="x"))
            await ctx.send("panel", view=view)

    async with run(server, bot):
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        await server.user("ada").say("!panel")
        await server.until(lambda: len(done) == 2)
    assert done == [None, None], "nothing of ours stays on the view"
    assert tape.show("view timeout Fleeting", "view timeout Quiet", "view timeout Failing") == expected(
        """
        view timeout Fleeting bot=loopback-bot event=view_timeout →command panel(view_timeout)
          tidying up
        view timeout Failing bot=loopback-bot event=view_timeout error=ValueError ERROR [ValueError] …
        →command panel(view_timeout)
        """
    )
    assert tape.cells(semconv.EVENT_ERRORS) == {("loopback-bot", "view_timeout", "ValueError"): 1}


async def test_a_view_with_slots_and_a_handler_of_its_own(server, run, bot, tape):
    done = []

    class Slotted(discord.ui.View):
        __slots__ = ("more",)

    async def on_timeout():
        done.append(True)

    @bot.command()
    async def panel(ctx):
        view = Slotted(timeout=0.05)
        view.on_timeout = on_timeout
        view.add_item(discord.ui.Button(label="x"))
        await ctx.send("panel", view=view)
        done.append(view)

    async with run(server, bot):
        await server.user("ada").say("!panel")
        await server.until(lambda: len(done) == 2)
    assert done[0].on_timeout is on_timeout
    assert len(tape.roots("view timeout Slotted")) == 1


async def test_a_client_with_a_tree_and_one_without(server, run, make_client, tape, settle, expected):
    client = make_client()
    client.tree = app_commands.CommandTree(client)

    @client.tree.command()
    async def ask(press: Press):
        await press.response.send_message("42")

    async with run(server, client):
        await server.reply_to(await server.user("ada").slash("ask"))

    class Bare(make_client):
        async def on_interaction(self, press):
            await press.response.send_message("raw")

    async with run(server, Bare()):
        await server.reply_to(await server.user("ada").slash("ask"))
    name = f"{Bare.__qualname__}.on_interaction"
    assert tape.show("interaction") == expected(
        f"""
        {ROOT}
          {command("ask", "ok", "slash")}
            {CALL}
        {ROOT}
          listener {name} bot=loopback-bot listener={name}
            {CALL}
        """
    )


async def test_names_without_end_are_bounded(server, run, bot, tape, outcomes, monkeypatch):
    @bot.command()
    async def panel(ctx):
        view = type(f"Panel{ctx.message.id}", (Panel,), {})()
        await ctx.send("panel", view=view)

    async with run(server, bot):
        monkeypatch.setattr(
            "whisperwatch.bot.instrument.invocation.MOST_CELLS", len(watching.bot_of(bot).cells) + 2
        )
        for _ in range(4):
            message = await server.reply_to(await server.user("ada").say("!panel"))
            await server.reply_to(await server.user("ada").click(message, "yes"))
    names = {name for name, kind, _ in outcomes() if kind == "component"}
    assert "unknown" in names
    assert len(names) <= 3
