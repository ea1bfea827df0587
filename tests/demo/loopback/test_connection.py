"""The gateway's protocol, by hand: what discord.py never does wrong is closed with Discord's codes."""

from __future__ import annotations

import json
import time
import zlib

import aiohttp
import pytest

from whisperwatch.demo.loopback import GatewaySettings, LoopbackDiscord
from whisperwatch.demo.loopback.connection import ACKNOWLEDGED_AFTER_S

ALL = (1 << 22) - 1 & ~(1 << 17 | 1 << 18 | 1 << 19)


class Client:
    """A websocket of the gateway, spoken by hand."""

    def __init__(self, socket):
        self.socket = socket

    async def send(self, op, d=None):
        await self.socket.send_json({"op": op, "d": d})

    async def event(self):
        return json.loads((await self.socket.receive(timeout=5)).data)

    async def code(self):
        """Reads until the server closes."""
        while True:
            message = await self.socket.receive(timeout=5)
            if message.type is aiohttp.WSMsgType.CLOSE:
                return message.data

    async def identify(self, server, **changes):
        await self.send(2, {"token": server.token, "properties": {}, "intents": ALL} | changes)


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


async def connect(server, http, query="?v=10&encoding=json"):
    client = Client(await http.ws_connect(f"ws://127.0.0.1:{server.port}/gateway{query}"))
    hello = await client.event()
    assert hello["op"] == 10
    assert hello["d"]["heartbeat_interval"] == 41250
    return client


async def test_an_acknowledgement_is_never_as_early_as_discord_py_cannot_time_it(server, http):
    client = await connect(server, http)
    sent = time.monotonic()
    await client.send(1)
    assert (await client.event())["op"] == 11
    assert time.monotonic() - sent > ACKNOWLEDGED_AFTER_S * 0.9


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (99, None, 4001),
        (2, {"no": "token"}, 4002),
        (3, {}, 4003),
        (2, {"token": "wrong", "intents": 0}, 4004),
        (6, {"token": "wrong", "session_id": "x", "seq": 0}, 4004),
    ],
)
async def test_close_codes(server, http, op, data, code):
    client = await connect(server, http)
    await client.send(op, data)
    assert await client.code() == code
    await server.until(lambda: server.ledger.close_counts[0, "closed", code] == 1)


@pytest.mark.parametrize(
    ("changes", "code"), [({"shard": [2, 2]}, 4010), ({"intents": 1 << 40}, 4013), ({"intents": "all"}, 4013)]
)
async def test_identify_is_checked(server, http, changes, code):
    client = await connect(server, http)
    await client.identify(server, **changes)
    assert await client.code() == code


async def test_what_is_not_json_cannot_be_decoded(server, http):
    client = await connect(server, http)
    await client.socket.send_str("rubbish")
    assert await client.code() == 4002


async def test_payloads_are_limited_in_size_and_number(server, http):
    client = await connect(server, http)
    await client.send(1, "x" * 5000)
    assert await client.code() == 4002
    client = await connect(server, http)
    for _ in range(121):
        await client.send(1)
    assert await client.code() == 4008


async def test_another_version_is_refused(server, http):
    client = await connect(server, http, "?v=6")
    await client.identify(server)
    assert await client.code() == 4012


async def test_too_many_guilds_need_sharding(http):
    async with LoopbackDiscord(guilds=3, gateway=GatewaySettings(largest_shard=2)) as server:
        client = await connect(server, http)
        await client.identify(server)
        assert await client.code() == 4011
        client = await connect(server, http)
        await client.identify(server, shard=[0, 2])
        assert (await client.event())["t"] == "READY"
        await client.socket.close()


async def test_heartbeats_check_the_sequence(server, http):
    client = await connect(server, http)
    await client.send(1, None)
    assert (await client.event())["op"] == 11
    await client.identify(server)
    assert [(await client.event())["t"] for _ in range(2)] == ["READY", "GUILD_CREATE"]
    await client.send(1, 2)
    assert (await client.event())["op"] == 11
    await client.send(1, 3)
    assert await client.code() == 4007


async def test_identifying_twice_is_refused(server, http):
    client = await connect(server, http)
    await client.identify(server)
    await client.identify(server)
    assert await client.code() == 4005


async def test_resume_from_a_number_that_was_never_sent(server, http):
    client = await connect(server, http)
    await client.identify(server)
    session = (await client.event())["d"]["session_id"]
    await client.socket.close(code=4000)
    client = await connect(server, http)
    await client.send(6, {"token": server.token, "session_id": session, "seq": 99})
    assert await client.code() == 4007


async def test_leaving_with_1000_ends_the_session(server, http):
    client = await connect(server, http)
    await client.identify(server)
    session = (await client.event())["d"]["session_id"]
    await client.socket.close(code=1000)
    await server.until(lambda: not server.core.gateway.sessions)
    client = await connect(server, http)
    await client.send(6, {"token": server.token, "session_id": session, "seq": 1})
    answer = await client.event()
    assert (answer["op"], answer["d"]) == (9, False)
    await client.socket.close()


async def test_zlib_stream(server, http):
    socket = await http.ws_connect(f"ws://127.0.0.1:{server.port}/gateway?v=10&compress=zlib-stream")
    context = zlib.decompressobj()
    for expected in (10, 0):
        data = (await socket.receive(timeout=5)).data
        assert data.endswith(b"\x00\x00\xff\xff")
        assert json.loads(context.decompress(data))["op"] == expected
        await Client(socket).identify(server)
    await socket.close()


async def test_zstd_stream(server, http):
    zstandard = pytest.importorskip("zstandard")
    socket = await http.ws_connect(f"ws://127.0.0.1:{server.port}/gateway?v=10&compress=zstd-stream")
    context = zstandard.ZstdDecompressor().decompressobj()
    assert json.loads(context.decompress((await socket.receive(timeout=5)).data))["op"] == 10
    await Client(socket).identify(server)
    assert json.loads(context.decompress((await socket.receive(timeout=5)).data))["t"] == "READY"
    await socket.close()


async def test_what_the_gateway_does_not_speak(server, http):
    async with http.get(f"http://127.0.0.1:{server.port}/gateway") as response:
        assert response.status == 426
    with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
        await http.ws_connect(f"ws://127.0.0.1:{server.port}/gateway?compress=lzma")
