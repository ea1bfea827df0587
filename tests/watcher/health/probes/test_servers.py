"""Each server that a bot uses: well, absent, refusing, hanging (stopped) and lying. The servers are real ones."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from redis.asyncio import Redis as RedisClient

from whisperwatch.demo.backends.chroma import Chroma
from whisperwatch.demo.backends.llm import LanguageModel
from whisperwatch.demo.backends.ports import free_port
from whisperwatch.demo.backends.postgres import Postgres
from whisperwatch.demo.backends.redis import Redis
from whisperwatch.demo.home import Home
from whisperwatch.watcher.health.components.scene import part_of
from whisperwatch.watcher.health.probes import verdict
from whisperwatch.watcher.health.probes.prober import Probe, Timing

SHORT = Timing(0.1, timeout_s=1.2, attempts=2, delay_s=0.1)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that has much to do an answer may take its time."""
    monkeypatch.setattr(verdict, "SLOW_S", 30.0)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def asked(probe: Probe) -> tuple[str, str]:
    await probe.round()
    return probe.verdict.status, probe.verdict.text


async def through_a_hang(probe: Probe, pid: int, until: Any) -> None:
    """Well, suspect, unhealthy, recovering, well again."""
    running = asyncio.create_task(probe.run())
    found = probe.verdict
    await until(lambda: found.status == "healthy")
    with stopped(pid):
        await until(lambda: found.status == "degraded" and "suspect" in found.text)
        assert "doesn't answer within" in found.text
        await until(lambda: found.status == "unhealthy")
    await until(lambda: found.status == "degraded" and "good answer 1 of 2" in found.text)
    await until(lambda: found.status == "healthy")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class TestPostgres:
    async def test_it(self, home: Home, probe_of: Any, until: Any) -> None:
        server = Postgres(home)
        await server.start()
        assert server._child is not None
        known = {"host": str(server._room), "user": "companion", "database": "postgres"}
        status, text = await asked(probe_of("postgresql", **known))
        assert (status, text.partition(" (")[0]) == ("healthy", "answers SELECT 1")
        status, text = await asked(probe_of("postgresql", dsn=server.dsn))
        assert status == "healthy"
        status, text = await asked(probe_of("postgresql", **known | {"database": "nowhere"}))
        assert (status, text) == ("unhealthy", "doesn't have the bot's database")
        status, text = await asked(probe_of("postgresql", **known | {"user": "stranger"}))
        assert (status, text) == ("unhealthy", "refuses the bot's user or password")
        # as the instrumentation of asyncpg tells of it, which has put the addresses together itself
        seen = known | {"port": 5432, "password": None, "ssl": False, "sslmode": "disable"}
        assert (await asked(probe_of("postgresql", **seen)))[0] == "healthy"
        status, text = await asked(probe_of("postgresql", **known, opaque=["password"]))
        assert (status, text.partition(" (")[0]) == ("healthy", "takes connections")
        probe = probe_of("postgresql", SHORT, **known)
        await through_a_hang(probe, server._child.pid, until)
        await server.stop()
        status, text = await asked(probe)
        assert (status, text) == ("unhealthy", "is not there: its socket doesn't exist")

    async def test_nobody_there(self, probe_of: Any) -> None:
        status, text = await asked(probe_of("postgresql", host="127.0.0.1", port=free_port(), user="x"))
        assert (status, text) == ("unhealthy", "refuses the connection: nothing listens there")

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n\r\n", b"", b"R\x00\x00", b"\xff" * 4096])
    async def test_a_liar(self, probe_of: Any, lying: Any, answer: bytes) -> None:
        arguments = {"host": "127.0.0.1", "port": await lying(answer), "user": "x", "password": "hunter2"}
        status, text = await asked(probe_of("postgresql", SHORT, **arguments))
        assert status == "unhealthy"
        assert "hunter2" not in text


class TestRedis:
    async def test_it(self, home: Home, probe_of: Any, until: Any) -> None:
        server = Redis(home)
        await server.start()
        assert server._child is not None
        known = {"host": "127.0.0.1", "port": server._port}
        status, text = await asked(probe_of("redis", **known))
        assert (status, text.partition(" (")[0]) == ("healthy", "answers PING")
        async with RedisClient.from_url(server.url) as client:
            await client.config_set("requirepass", "correct-horse")
        for password in (None, "wrong-horse"):
            status, text = await asked(probe_of("redis", **known, password=password))
            assert (status, text) == ("unhealthy", "refuses the bot's password")
        probe = probe_of("redis", SHORT, **known, password="correct-horse")
        await through_a_hang(probe, server._child.pid, until)
        await server.stop()
        status, text = await asked(probe)
        assert (status, text) == ("unhealthy", "refuses the connection: nothing listens there")

    async def test_what_it_counts_of_itself(self, home: Home, probe_of: Any) -> None:
        server = Redis(home)
        await server.start()
        async with RedisClient.from_url(server.url) as client:
            await client.config_set("maxmemory-policy", "allkeys-lru")
            await client.config_set("maxmemory", "3mb")
            await client.get("missing")
            for number in range(100):
                await client.set(f"key {number}", "x" * 100_000)
        probe = probe_of("redis", host="127.0.0.1", port=server._port)
        assert (await asked(probe))[0] == "healthy"
        await server.stop()
        assert probe.verdict.figures["evicted_keys"] > 50
        assert probe.verdict.figures["keyspace_misses"] == 1
        assert part_of(probe).numbers["evicted_keys"] == probe.verdict.figures["evicted_keys"]

    @pytest.mark.parametrize(
        "told", [b"-NOPERM no\r\n", b"$-1\r\n", b"$9\r\nhalf", b"$200000\r\n", b":7\r\n", b""]
    )
    async def test_one_that_tells_nothing_of_itself_is_well(self, probe_of: Any, told: bytes) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"PING\r\n")
            writer.write(b"+PONG\r\n")
            await reader.readuntil(b"stats\r\n")
            writer.write(told)
            writer.close()

        async with await asyncio.start_server(talk, "127.0.0.1", 0) as serving:
            probe = probe_of("redis", host="127.0.0.1", port=serving.sockets[0].getsockname()[1])
            assert (await asked(probe))[0] == "healthy"
        assert probe.verdict.figures == {}

    @pytest.mark.parametrize(
        "answer", [b"HTTP/1.1 200 OK\r\n\r\n", b"", b"+PO", b"+PING\r\n", b"-ERR hm\r\n", b"x" * 3_000_000]
    )
    async def test_a_liar(self, probe_of: Any, lying: Any, answer: bytes) -> None:
        status, _ = await asked(probe_of("redis", SHORT, host="127.0.0.1", port=await lying(answer)))
        assert status == "unhealthy"

    async def test_one_that_loads(self, probe_of: Any, lying: Any) -> None:
        port = await lying(b"-LOADING Redis is loading the dataset in memory\r\n")
        assert await asked(probe_of("redis", SHORT, host="127.0.0.1", port=port)) == (
            "unhealthy",
            "is loading its data",
        )

    @pytest.mark.parametrize("opaque", ["password", "credential_provider"])
    async def test_a_password_that_is_not_known_here(self, probe_of: Any, opaque: str) -> None:
        status, _ = await asked(probe_of("redis", host="127.0.0.1", opaque=[opaque]))
        assert status == "unknown"

    async def test_over_a_unix_socket(self, probe_of: Any, tmp_path: Path) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert await reader.readuntil(b"PING\r\n")
            writer.write(b"+PONG\r\n")
            writer.close()

        async with await asyncio.start_unix_server(talk, tmp_path / "redis.sock"):
            probe = probe_of("redis", host=None, port=None, path=str(tmp_path / "redis.sock"), ssl=False)
            assert (await asked(probe))[0] == "healthy"


class TestVectorStores:
    async def test_chroma(self, home: Home, probe_of: Any, until: Any) -> None:
        server = Chroma(home)
        await server.start()
        assert server._child is not None
        known = {"host": "127.0.0.1", "port": server._port, "ssl": False, "headers": {}}
        status, text = await asked(probe_of("chroma", **known))
        assert (status, text.partition(" (")[0]) == ("healthy", "answers its heartbeat")
        probe = probe_of("chroma", SHORT, **known)
        await through_a_hang(probe, server._child.pid, until)
        await server.stop()
        status, text = await asked(probe)
        assert (status, text) == ("unhealthy", "refuses the connection: nothing listens there")

    async def test_qdrants_way_to_say_so(self, probe_of: Any, lying: Any) -> None:
        told = b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\nall shards are ready"
        for answer, status in (
            (told.replace(b"19", b"20"), "healthy"),
            (told.replace(b"200", b"503"), "unhealthy"),
        ):
            probe = probe_of("qdrant", SHORT, host="127.0.0.1", port=await lying(answer))
            assert (await asked(probe))[0] == status

    async def test_the_bots_headers_are_sent(self, probe_of: Any) -> None:
        heads: list[bytes] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nready")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(talk, "127.0.0.1", 0) as running:
            port = running.sockets[0].getsockname()[1]
            about = {"url": f"http://127.0.0.1:{port}", "api_key": "key", "header x-tenant": "mine"}
            assert (await asked(probe_of("qdrant", **about)))[0] == "healthy"
        assert b"\r\napi-key: key\r\n" in heads[0]
        assert b"\r\nx-tenant: mine\r\n" in heads[0]

    async def test_a_login_that_is_not_known_here(self, probe_of: Any, lying: Any) -> None:
        port = await lying(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
        known = {"host": "http://127.0.0.1", "port": port}
        assert (await asked(probe_of("chroma", **known)))[0] == "unhealthy"
        assert (await asked(probe_of("chroma", **known, auth_credentials="x")))[0] == "unknown"

    @pytest.mark.parametrize("system", ["chroma", "qdrant"])
    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"SSH-2.0-OpenSSH_9.9\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
            b"HTTP/1.1 200 OK\r\n\r\n[1, 2]",
            b"HTTP/1.1 500 Oh\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000,
        ],
    )
    async def test_a_liar(self, probe_of: Any, lying: Any, system: str, answer: bytes) -> None:
        status, _ = await asked(probe_of(system, SHORT, host="127.0.0.1", port=await lying(answer)))
        assert status == "unhealthy"


class TestLanguageModel:
    @pytest.mark.parametrize("system", ["openai", "anthropic"])
    async def test_it(self, probe_of: Any, system: str) -> None:
        server = LanguageModel()
        await server.start()
        base = server.url if system == "openai" else server.url.removesuffix("/v1")
        status, text = await asked(probe_of(system, base_url=base, api_key="sk-known"))
        assert (status, text.partition(" (")[0]) == ("healthy", "answers with its one model")
        await server.stop()
        status, text = await asked(probe_of(system, base_url=base, api_key="sk-known"))
        assert (status, text) == ("unhealthy", "refuses the connection: nothing listens there")
        assert server.ledger.answered == 0, "it was asked for a completion"

    async def test_a_wrong_key_is_no_outage(self, probe_of: Any, lying: Any) -> None:
        port = await lying(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
        status, text = await asked(
            probe_of("openai", base_url=f"http://127.0.0.1:{port}/v1", api_key="sk-planted")
        )
        assert status == "unhealthy"
        assert "the key is wrong" in text
        assert "sk-planted" not in text

    async def test_a_key_that_is_not_known_here_is_not_called_wrong(self, probe_of: Any, lying: Any) -> None:
        port = await lying(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
        status, _ = await asked(
            probe_of("openai", base_url=f"http://127.0.0.1:{port}/v1", opaque=["api_key"])
        )
        assert status == "unknown"

    async def test_of_azure_nothing_is_asked(self, probe_of: Any) -> None:
        status, _ = await asked(probe_of("openai", base_url="http://x.invalid", provider="azure.ai.openai"))
        assert status == "unknown"

    async def test_a_server_without_a_list_is_there(self, probe_of: Any, lying: Any) -> None:
        port = await lying(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        status, _ = await asked(probe_of("openai", base_url=f"http://127.0.0.1:{port}", api_key="sk"))
        assert status == "healthy"

    @pytest.mark.parametrize("code", [500, 503, 429])
    async def test_an_outage(self, probe_of: Any, lying: Any, code: int) -> None:
        port = await lying(b"HTTP/1.1 %d Hm\r\ncontent-length: 0\r\n\r\n" % code)
        status, text = await asked(
            probe_of("openai", SHORT, base_url=f"http://127.0.0.1:{port}", api_key="sk")
        )
        assert status == "unhealthy"
        assert str(code) in text

    async def test_a_key_that_fits_into_no_header(self, probe_of: Any, lying: Any) -> None:
        port = await lying(b"")
        probe = probe_of("openai", base_url=f"http://127.0.0.1:{port}", api_key="a\r\nb")
        status, text = await asked(probe)
        assert status == "unknown"
        assert "a\r\nb" not in text

    async def test_behind_a_proxy_nobody_is_asked(
        self, probe_of: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("https_proxy", "http://user:secret@proxy.invalid:3128")
        status, text = await asked(probe_of("openai", api_key="sk"))
        assert (status, text) == ("unknown", "is behind a proxy, and not asked from here")


class TestOverTls:
    @pytest.fixture
    async def server(self, tmp_path: Path) -> Any:
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await reader.read(1)
                writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{"data": []}')
                await writer.drain()
            writer.transport.abort()

        async with await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context) as running:
            yield f"https://localhost:{running.sockets[0].getsockname()[1]}/v1"
        await asyncio.sleep(0.01)

    async def test_a_certificate_that_is_trusted(
        self, probe_of: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        status, text = await asked(probe_of("openai", base_url=server, api_key="sk"))
        assert (status, text.partition(" (")[0]) == ("healthy", "answers with its list of 0 models")

    async def test_one_that_is_not_says_nothing_of_the_server(self, probe_of: Any, server: str) -> None:
        status, text = await asked(probe_of("openai", base_url=server, api_key="sk"))
        assert status == "unknown"
        assert "isn't trusted here" in text


class TestReach:
    async def test_a_name_without_an_address(self, probe_of: Any) -> None:
        status, text = await asked(probe_of("http", SHORT, host="nowhere.invalid", port=443))
        assert (status, text) == ("unhealthy", "has a name that can't be resolved (DNS)")

    async def test_one_that_listens(self, probe_of: Any, lying: Any) -> None:
        status, _ = await asked(probe_of("discord", host="127.0.0.1", port=await lying(None)))
        assert status == "healthy"
