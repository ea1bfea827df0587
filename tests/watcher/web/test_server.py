from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from whisperwatch.watcher.web.server import PortError, WebServer, bind, bind_near


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def hello_app(**more: Any) -> Starlette:
    return Starlette(routes=[Route("/", hello)], **more)


def port_of(sockets: list[socket.socket]) -> int:
    return int(sockets[0].getsockname()[1])


class TestBind:
    def test_a_busy_port_is_one_clear_error(self) -> None:
        (taken,) = bind("127.0.0.1", 0)
        port = port_of([taken])
        with taken, pytest.raises(PortError) as caught:
            bind("127.0.0.1", port)
        told = str(caught.value)
        assert str(port) in told
        assert "HEALTH_CHECK_PORT" in told
        assert "in use" in told

    def test_where_it_is_busy_the_next_one_is_taken(self) -> None:
        (taken,) = bind("127.0.0.1", 0)
        port = port_of([taken])
        with taken:
            (near,) = bind_near("127.0.0.1", port)
            with near:
                assert port < port_of([near]) < port + 10

    def test_another_trouble_than_a_busy_port_is_told_at_once(self) -> None:
        with pytest.raises(PortError, match="HEALTH_CHECK_HOST"):
            bind_near("203.0.113.7", 9091)

    @pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
    def test_a_strange_address_names_the_variable(self, host: str) -> None:
        with pytest.raises(PortError, match=f"{host!r}.*HEALTH_CHECK_HOST"):
            bind(host, 0)

    def test_every_address_is_one_port(self) -> None:
        sockets = bind("*", 0)
        try:
            assert len({listening.getsockname()[1] for listening in sockets}) == 1
            assert {listening.family for listening in sockets} == (
                {socket.AF_INET, socket.AF_INET6} if has_ipv6() else {socket.AF_INET}
            )
        finally:
            for listening in sockets:
                listening.close()

    def test_a_port_that_is_busy_for_one_family_leaves_nothing_open(self) -> None:
        if not has_ipv6():
            pytest.skip("no IPv6 here")
        with socket.socket(socket.AF_INET6) as taken:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            taken.bind(("::", 0))
            taken.listen()
            port = int(taken.getsockname()[1])
            with pytest.raises(PortError):
                bind("*", port)
            with socket.socket() as free:
                free.bind(("0.0.0.0", port))

    def test_the_port_of_a_server_that_has_just_stopped_can_be_taken(self) -> None:
        (first,) = bind("127.0.0.1", 0)
        port = port_of([first])
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = first.accept()
            accepted.close()
        first.close()
        (again,) = bind("127.0.0.1", port)
        again.close()


class TestServer:
    @asynccontextmanager
    async def running(self, app: Any, host: str = "127.0.0.1") -> AsyncIterator[WebServer]:
        server = WebServer(app, bind(host, 0))
        await server.start()
        try:
            yield server
        finally:
            await server.stop()

    async def test_answers_at_its_url(self) -> None:
        async with self.running(hello_app()) as server, httpx.AsyncClient() as client:
            assert (await client.get(server.url)).text == "hello"

    async def test_every_answer_has_the_date_of_its_making(self) -> None:
        async with self.running(hello_app()) as server, httpx.AsyncClient() as client:
            for _ in range(2):
                answer = await client.get(server.url)
                age_s = time.time() - parsedate_to_datetime(answer.headers["date"]).timestamp()
                assert 0 <= age_s < 2
                assert answer.headers.get_list("date") == [answer.headers["date"]]

    @pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
    async def test_ipv6(self) -> None:
        async with self.running(hello_app(), "::1") as server, httpx.AsyncClient() as client:
            assert server.url.startswith("http://[::1]:")
            assert (await client.get(server.url)).text == "hello"

    async def test_listens_on_loopback_alone(self) -> None:
        async with self.running(hello_app()) as server:
            assert server.url.startswith("http://127.0.0.1:")

    async def test_every_address_has_a_url_that_works(self) -> None:
        async with self.running(hello_app(), "0.0.0.0") as server, httpx.AsyncClient() as client:
            assert (await client.get(server.url)).text == "hello"

    async def test_answers_are_not_held_back_by_nagle(self) -> None:
        async with self.running(hello_app()) as server, httpx.AsyncClient() as client:
            await client.get(server.url)
            began = time.monotonic()
            for _ in range(50):
                await client.get(server.url)
            assert time.monotonic() - began < 50 * 0.03

    async def test_leaves_signals_alone(self) -> None:
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        async with self.running(hello_app()):
            assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

    async def test_stops_fast_with_open_connections_and_frees_the_port(self) -> None:
        async with self.running(hello_app()) as server:
            async with httpx.AsyncClient() as client:
                await client.get(server.url)
                began = time.monotonic()
                await server.stop()
                assert time.monotonic() - began < 1
            bind("127.0.0.1", int(server.url.rpartition(":")[2]))[0].close()

    async def test_an_answer_that_hangs_does_not_hold_it(self) -> None:
        asked = asyncio.Event()

        async def hang(_: Request) -> PlainTextResponse:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

        async with (
            self.running(Starlette(routes=[Route("/", hang)])) as server,
            httpx.AsyncClient() as client,
        ):
            waiting = asyncio.create_task(client.get(server.url))
            await asked.wait()
            async with asyncio.timeout(5):
                await server.stop()
            with pytest.raises(httpx.HTTPError):
                (await waiting).raise_for_status()

    async def test_rubbish_is_refused_and_serving_goes_on(self) -> None:
        async with self.running(hello_app()) as server, httpx.AsyncClient() as client:
            port = int(server.url.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"\x16\x03\x01 not http at all\r\n\r\n")
            assert b"400" in await reader.readline()
            writer.close()
            assert (await client.get(server.url)).text == "hello"

    async def test_a_lifespan_that_fails_is_an_error(self) -> None:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            raise OSError("no room")
            yield

        server = WebServer(hello_app(lifespan=lifespan), bind("127.0.0.1", 0))
        with pytest.raises(RuntimeError, match="did not start"):
            await server.start()
