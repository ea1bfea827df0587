"""The client against real servers: what it sends, what it keeps, and what it makes of an answer."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import subprocess
import sys

import httpcore2
import pytest

from whisperwatch.watcher.http_client import HttpError, NoHttpError, UnreachableError
from whisperwatch.watcher.http_client.failures import failure

from .conftest import OK


async def test_what_is_sent(server, client):
    there = client(
        server.url.replace("//", "//user:pass@") + "/v1?key=a b", [("X-A", " ü "), ("USER-AGENT", "me")]
    )
    answer = await there.ask("POST", content=b"body", headers=[("Content-Type", "a/b")], most=100)
    assert (answer.status, answer.reason, answer.body, answer.lost) == (200, "OK", b"ok", None)
    assert answer.where == f"{server.url}/v1"
    assert answer.content_type == "application/octet-stream"
    (request,) = server.requests
    assert (request.line, request.body) == ("POST /v1?key=a%20b HTTP/1.1", b"body")
    assert request.headers == {
        "host": f"127.0.0.1:{server.port}", "authorization": "Basic dXNlcjpwYXNz", "x-a": "Ã¼", "user-agent": "me",
        "accept-encoding": "gzip", "content-type": "a/b", "content-length": "4",
    }  # fmt: skip


async def test_headers_of_the_settings_win_but_say_nothing_of_the_length(server, client):
    told = [
        ("authorization", "Bearer x"),
        ("Host", "virtual"),
        ("content-length", "9"),
        ("transfer-encoding", "chunked"),
    ]
    await client(server.url.replace("//", "//user:pass@"), told).ask("GET", most=10)
    (request,) = server.requests
    assert (request.headers["authorization"], request.headers["host"]) == ("Bearer x", "virtual")
    assert request.headers.keys().isdisjoint({"content-length", "transfer-encoding"})


@pytest.mark.parametrize(
    "header", [("a", "secret\r\nb: c"), ("a", "secret\x01"), ("a secret", "b"), ("secretü", "b")]
)
async def test_a_header_that_cant_be_sent_is_not_shown(server, client, header):
    with pytest.raises(HttpError) as raised:
        await client(server.url, [header]).ask("GET", most=10)
    assert "header" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert server.requests == []


async def test_a_connection_is_kept(server, client):
    there = client(server.url)
    for _ in range(3):
        await there.ask("POST", content=b"x" * 100_000, most=10)
    assert server.connections == 1
    await there.close()
    await server.until_open(0)
    assert (await there.ask("GET", most=10)).body == b"ok"


@pytest.mark.parametrize("how", ["in silence", "at the next request", "by a reset"])
async def test_a_kept_connection_that_has_ended_is_no_failure(server, client, how):
    """A POST is sent again, too."""

    async def answer(request, writer):
        if sum(one.connection == request.connection for one in server.requests) == 1:
            if how == "in silence":
                asyncio.get_running_loop().call_soon(writer.close)
            return OK
        if how == "by a reset":
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            writer.transport.abort()
        else:
            writer.close()
        return b""

    server.answer, there = answer, client(server.url)
    for _ in range(3):
        assert (await there.ask("POST", content=b"body", most=10)).body == b"ok"
        await asyncio.sleep(0.01)
    assert server.connections == 3


async def test_a_new_connection_that_ends_is_one(server, client):
    server.answer = lambda _, writer: hang_up(writer)
    with pytest.raises(HttpError, match="Server disconnected"):
        await client(server.url).ask("POST", content=b"body", most=10)
    assert server.connections == 1


async def hang_up(writer):
    writer.close()
    return b""


async def test_who_no_longer_waits_takes_no_connection_along(server, client):
    """Who waits in a queue for one, and is given it at the moment that nobody waits any more, among them."""
    go_on = asyncio.Event()

    async def answer(*_):
        await go_on.wait()
        return OK

    server.answer, there = answer, client(server.url, connections=2, timeout_s=0.2)
    late = await asyncio.gather(*(there.ask("GET", most=10) for _ in range(10)), return_exceptions=True)
    assert {type(one) for one in late} == {TimeoutError}
    asking = [asyncio.create_task(there.ask("GET", most=10)) for _ in range(6)]
    await asyncio.sleep(0.05)
    for task in asking:
        task.cancel()
    gone = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(one) for one in gone} == {asyncio.CancelledError}
    go_on.set()
    assert [(await there.ask("GET", most=10)).body for _ in range(4)] == [b"ok"] * 4
    await server.until_open(1)


async def test_the_whole_may_take_that_long(server, client):
    async def drip(_, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await asyncio.sleep(0.01)
        return b""

    server.answer = drip
    answer = await client(server.url, timeout_s=0.2).ask("GET", most=1000)
    assert isinstance(answer.lost, TimeoutError)
    assert answer.status == 200


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_is_read_up_to_a_limit(server, client, packed):
    body = gzip.compress(b"x" * 10_000_000) if packed else b"x" * 1_000_000
    encoding = b"Content-Encoding: gzip\r\n" if packed else b""
    server.answer = b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (encoding, len(body), body)
    there = client(server.url)
    assert (await there.ask("GET", most=1000)).body == b"x" * 1001
    server.answer = OK
    assert (await there.ask("GET", most=2)).body == b"ok"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (b"Content-Length: 9\r\n\r\nhalf", "peer closed connection without sending complete message body"),
        (b"Transfer-Encoding: chunked\r\n\r\nrubbish\r\n", "illegal chunk header"),
        (b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\nrubbish", "gzip can't be unpacked"),
    ],
)
async def test_an_answer_that_is_none_to_its_end(server, client, says, why):
    async def answer(_, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n" + says)
        return await hang_up(writer)

    server.answer = answer
    answer = await client(server.url).ask("GET", most=100)
    assert isinstance(answer.lost, HttpError)
    assert why in str(answer.lost)
    assert "rubbish" not in str(answer.lost)


@pytest.mark.parametrize(
    "says", [b"rubbish\r\n\r\n", b"it's rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nrubbish'\r\n\r\n"]
)
async def test_what_is_no_http_is_not_quoted(server, client, says):
    server.answer = says
    with pytest.raises(NoHttpError) as raised:
        await client(server.url).ask("GET", most=100)
    assert "illegal" in str(raised.value)
    assert "rubbish" not in str(raised.value)


async def test_what_comes_before_the_answer_is_passed_over(server, client):
    server.answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK
    assert (await client(server.url).ask("GET", most=10)).body == b"ok"


async def test_an_answer_of_an_old_server(server, client):
    server.answer = lambda _, writer: old(writer)
    assert (await client(server.url).ask("GET", most=10)).body == b"ok"


async def old(writer):
    writer.write(b"HTTP/1.0 200 OK\n\nok")
    return await hang_up(writer)


async def test_nobody_is_there(client, unused_tcp_port):
    with pytest.raises(UnreachableError, match="Connect call failed"):
        await client(f"http://user:secret@localhost:{unused_tcp_port}/?secret").ask("GET", most=10)
    with pytest.raises(UnreachableError):
        await client("http://user:secret@nowhere.invalid/?secret").ask("GET", most=10)


def test_several_addresses_that_all_refuse():
    causes = ExceptionGroup("", [ConnectionRefusedError(111, "v6"), ConnectionRefusedError(111, "v4")])
    error = OSError("All connection attempts failed")
    error.__cause__ = causes
    told = failure(httpcore2.ConnectError(error))
    assert (type(told), str(told)) == (UnreachableError, "v6, v4")


def test_the_watcher_needs_no_other():
    """aiohttp, which discord.py brings, would be ten megabytes of it."""
    code = (
        "import sys\nimport whisperwatch.watcher.__main__, whisperwatch.watcher.query.http\n"
        "import whisperwatch.watcher.pipeline.otlp_http\n"
        "print({'aiohttp', 'yarl', 'certifi', 'idna', 'h2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("set()", "{'h2'}")  # httpcore2 takes h2 along where it is installed
