"""The loopback Discord in a process of its own, driven over HTTP, with the bot in another."""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import discord
import pytest
from discord.ext import commands

from whisperwatch.demo.loopback import pointing

BOT = """
import sys
import discord
from discord.ext import commands
from whisperwatch.demo.loopback import pointing

bot = commands.Bot("!", intents=discord.Intents.all())

@bot.command()
async def ping(ctx):
    await ctx.send("pong")

with pointing(int(sys.argv[1])):
    bot.run(sys.argv[2], log_handler=None)
"""


class Remote:
    """The server in a child process."""

    def __init__(self, port: int, token: str, session: aiohttp.ClientSession) -> None:
        self.port, self.token, self._session = port, token, session

    async def post(self, name, /, **body):
        return await self._answer(self._session.post(f"/_control/{name}", json=body))

    async def get(self, name, /, **query):
        return await self._answer(self._session.get(f"/_control/{name}", params=query))

    async def _answer(self, request):
        async with request as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def remote():
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "whisperwatch.demo.loopback", "--until-eof", "--heartbeat-interval", "5",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    port = int(await asyncio.wait_for(child.stdout.readline(), 20))
    token = (await child.stdout.readline()).decode().strip()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield Remote(port, token, session)
    child.stdin.close()
    assert await asyncio.wait_for(child.wait(), 10) == 0


async def test_a_bot_in_a_third_process(remote, tmp_path):
    script = tmp_path / "bot.py"
    script.write_text(BOT)
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", str(script), str(remote.port), remote.token
    )
    try:
        assert (await remote.post("wait", timeout=20))[0] == 200
        status, told = await remote.post("say", user="ada", text="!ping", wait=10)
        assert (status, told["reply"]["content"]) == (200, "pong")
        await remote.post("gateway", do="cut")
        await remote.post("wait", timeout=10)
        status, ledger = await remote.get("ledger", entries=1)
        assert [0, "READY", 1] in ledger["events"]
        assert ["POST", "/channels/{channel_id}/messages", 200, 1] in ledger["requests"]
        assert len(ledger["entries"]["messages"]) == 2
    finally:
        bot.terminate()
        await bot.wait()


class Panel(discord.ui.View):
    @discord.ui.button(label="Press")
    async def press(self, interaction: discord.Interaction, button: discord.ui.Button):
        await interaction.response.send_message("pressed")

    @discord.ui.select(options=[discord.SelectOption(label="a")])
    async def pick(self, interaction: discord.Interaction, select: discord.ui.Select):
        await interaction.response.defer()


class Form(discord.ui.Modal, title="Form"):
    name = discord.ui.TextInput(label="Name")

    async def on_submit(self, interaction: discord.Interaction):
        await interaction.response.send_message(f"I am {self.name.value}")


async def test_every_action(remote, make_bot):
    bot = make_bot()

    @bot.hybrid_command()
    async def ask(ctx: commands.Context[commands.Bot], question: str):
        await ctx.send(question, view=Panel())

    @bot.tree.command()
    async def form(press: discord.Interaction):
        await press.response.send_modal(Form())

    @bot.tree.context_menu(name="Wave")
    async def wave(press: discord.Interaction, user: discord.User):
        await press.response.send_message(user.name)

    with pointing(remote.port):
        start = asyncio.create_task(bot.start(remote.token))
        await remote.post("wait")
        status, told = await remote.post(
            "slash", user="ada", command="ask", options={"question": "why"}, wait=5
        )
        assert (status, told["reply"]["content"]) == (200, "why")
        assert told["interaction"]["answer_type"] == 4
        message = told["reply"]["id"]
        status, told = await remote.post("click", user="ada", message=message, button="Press", wait=5)
        assert (status, told["interaction"]["kind"]) == (200, "component")
        assert (await remote.post("react", user="ada", message=message, emoji="👍"))[0] == 200
        status, told = await remote.post("slash", user="ada", command="form", wait=0)
        opened = told["interaction"]["id"]
        status, told = await remote.post(
            "submit", user="ada", interaction=opened, values={"Name": "Ada"}, wait=5
        )
        assert (status, told["interaction"]["replies"][0]["content"]) == (200, "I am Ada")
        assert (await remote.post("submit", user="ada", interaction=1, values={}))[0] == 400
        status, told = await remote.post("autocomplete", user="ada", command="form", option="x", typed="a")
        assert status == 400
        status, told = await remote.post("context_menu", user="ada", command="Wave", target="grace", wait=5)
        assert told["interaction"]["replies"][0]["content"] == "grace"
        status, told = await remote.post("choose", user="ada", message=message, values=["a"], wait=5)
        assert (status, told["interaction"]["answer_type"]) == (200, 6)
        for what in ("disconnect", "reconnect", "invalidate"):
            assert (await remote.post("gateway", do=what))[0] == 200
            await remote.post("wait")
        status, world = await remote.get("world")
        assert [command["name"] for command in world["commands"]] == ["ask", "form", "Wave"]
        assert world["token"] == remote.token
        await bot.close()
        await start


async def test_faults_from_afar(remote):
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{remote.port}/api/v10/users/@me"
        headers = {"Authorization": f"Bot {remote.token}"}
        await remote.post("fault", name="errors", status=502)
        async with session.get(url, headers=headers) as answer:
            assert answer.status == 502
        await remote.post("fault", stop=True)
        async with session.get(url, headers=headers) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("name", "body", "error"),
    [
        ("fault", {"name": "plague"}, "no fault 'plague'"),
        ("gateway", {"do": "dance"}, "'dance' is none of"),
        ("slash", {"user": "ada", "command": "ghost"}, "no command 'ghost'"),
        ("say", {"user": "ada"}, "'text'"),
    ],
)
async def test_wrong_calls_say_what_is_wrong(server, name, body, error):
    url = f"http://127.0.0.1:{server.port}/_control/{name}"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        assert answer.status == 400
        assert error in (await answer.json())["error"]


async def test_a_wait_that_is_too_long(server):
    url = f"http://127.0.0.1:{server.port}/_control/wait"
    async with aiohttp.ClientSession() as session, session.post(url, json={"timeout": 0.01}) as answer:
        assert answer.status == 504


async def test_a_port_in_use_is_said():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "whisperwatch.demo.loopback", "--port", str(taken.getsockname()[1]),
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, errors = await asyncio.wait_for(child.communicate(), 20)
    assert child.returncode == 1
    assert errors.decode().startswith("the loopback Discord cannot listen: ")
    assert "Traceback" not in errors.decode()
