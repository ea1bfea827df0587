"""Voice connects."""

import asyncio

import discord
import pytest

from whisperwatch import semconv


class Network:
    """In the place of a voice server: what connecting to it comes to."""

    def __init__(self, error=None):
        self.error = error

    async def connect(self, **options):
        await asyncio.sleep(0)
        self.options = options
        if self.error is not None:
            raise self.error


def voice_client(bot, network):
    client = object.__new__(discord.VoiceClient)  # its __init__ wants PyNaCl
    client.client = bot
    client._connection = network
    return client


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(None, "ok"), (TimeoutError("hidden"), "failure"), (asyncio.CancelledError(), "cancelled")],
)
async def test_a_connect(server, run, bot, tape, error, outcome):
    network = Network(error)
    raised = []

    @bot.command()
    async def join(ctx):
        try:
            await voice_client(bot, network).connect(timeout=1.0, reconnect=False, self_deaf=True)
        except BaseException as told:
            raised.append(told)

    async with run(server, bot):
        await server.user("ada").say("!join")
    assert raised == ([error] if error else [])
    assert network.options == {
        "timeout": 1.0, "reconnect": False, "self_deaf": True, "self_mute": False, "resume": False,
    }  # fmt: skip
    (span,) = tape.root("message").children[0].children
    assert (span.name, span.kind, span.failed) == ("voice connect", "client", outcome == "failure")
    assert span.attributes[semconv.OUTCOME] == outcome
    assert "hidden" not in str(span)
    assert tape.cells(semconv.VOICE_CONNECT_DURATION) == {("loopback-bot", outcome): 1}
