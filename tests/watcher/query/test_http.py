"""The client of stores, against real servers: what is asked, and the sentence that each failure is."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import ssl
from typing import Any

import pytest
import trustme
from aiohttp import web

from whisperwatch.version import __version__
from whisperwatch.watcher.query import http
from whisperwatch.watcher.query.engines import EngineError


async def said(client: Any) -> str:
    """What is said of its failure."""
    with pytest.raises(EngineError) as raised:
        await client.post("/api", {"query": "up"})
    return str(raised.value)


async def test_what_is_asked(store, client):
    store.says('{"a": [1, null]}')
    there = client(store.url + "/prefix", headers=(("Authorization", "Bearer t"), ("X-Scope-OrgID", "team")))
    assert await there.get("/a", {"q": 'x{y="1&2"}'}) == {"a": [1, None]}
    assert await there.post("/b", {"query": "+ü\n"}) == {"a": [1, None]}
    (got, posted) = store.requests
    assert (got[0], got[1], got[3]) == ("GET", "/prefix/a", {"q": 'x{y="1&2"}'})
    assert (posted[0], posted[1], posted[4]) == ("POST", "/prefix/b", {"query": "+ü\n"})
    for _, _, headers, _, _ in store.requests:
        assert (headers["Authorization"], headers["X-Scope-OrgID"]) == ("Bearer t", "team")
        assert (headers["Accept"], headers["User-Agent"]) == (
            "application/json",
            f"whisperwatch/{__version__}",
        )


async def test_connections_are_few_and_kept(store, client):
    there, at_once, most, addresses = client(store.url), 0, 0, set()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        addresses.add(request.transport.get_extra_info("peername"))
        if len(addresses) < 4:  # until there are four, nobody is answered
            await full.wait()
        full.set()
        at_once -= 1
        return web.json_response({})

    store.answer, full = answer, asyncio.Event()
    await asyncio.gather(*[there.get("/") for _ in range(20)])
    assert (most, len(addresses)) == (4, 4)


@pytest.mark.parametrize(
    ("status", "what_to_do"),
    [
        (400, "it doesn't understand the question: parse error"),
        (401, "set PROMETHEUS_USERNAME and PROMETHEUS_PASSWORD, or PROMETHEUS_BEARER_TOKEN"),
        (403, "see PROMETHEUS_USERNAME, PROMETHEUS_BEARER_TOKEN and PROMETHEUS_TENANT"),
        (404, "see PROMETHEUS_URL"),
        (422, "answered 422: parse error"),
        (429, "it is asked too much"),
        (500, "answered 500: parse error"),
        (503, "answered 503: parse error"),
    ],
)
async def test_a_status_says_what_to_do(store, client, status, what_to_do):
    store.says('{"status": "error", "error": "parse error"}', status)
    text = await said(client(store.url))
    assert text.startswith(f"Prometheus ({store.url}) answered {status}")
    assert what_to_do in text


async def test_a_login_page_is_not_followed(store, client):
    store.says("", 302, "text/html", Location=store.url + "/login")
    assert "leads elsewhere, to a login perhaps" in await said(client(store.url, "loki"))
    assert len(store.requests) == 1


@pytest.mark.parametrize(
    ("body", "kind"), [("<html>hello</html>", "text/html"), ("up 1", "text/plain"), ("", "application/json")]
)
async def test_what_is_no_json(store, client, body, kind):
    store.says(body, kind=kind)
    assert (
        await said(client(store.url, "tempo"))
        == f"Tempo ({store.url}) answered with {kind} that is no JSON: is it a Tempo?"
    )


async def test_a_page_is_not_quoted(store, client):
    store.says("<html>so sorry</html>", 502, "text/html")
    assert await said(client(store.url)) == f"Prometheus ({store.url}) answered 502"


async def test_what_is_told_is_one_short_line(store, client):
    store.says("no\n\x1b[31m\x00good " + "x" * 1000, 500, "text/plain")
    text = await said(client(store.url))
    assert "no [31m good xxx" in text
    assert text.isprintable()
    assert len(text) < 300


async def test_too_much_is_not_read_to_its_end(store, client):
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"[" * 65_536)
                sent += 65_536
        return response

    store.answer = endless
    assert "answers more than 16 MB: ask for less time or fewer groups" in await said(client(store.url))
    assert sent < 4 * http.MOST_BYTES


async def test_as_much_as_is_allowed_is_read(store, client):
    text = json.dumps("x" * (http.MOST_BYTES - 2))
    store.says(text)
    assert len(await client(store.url).get("/")) == http.MOST_BYTES - 2
    store.says(text[:-1] + 'x"')
    assert "answers more than 16 MB" in await said(client(store.url))


async def test_an_answer_that_is_packed(store, client):
    async def packed(_: web.Request) -> web.StreamResponse:
        body = gzip.compress(b'{"a": 1}')
        return web.Response(body=body, content_type="application/json", headers={"Content-Encoding": "gzip"})

    store.answer = packed
    assert await client(store.url).get("/") == {"a": 1}
    assert store.requests[0][2]["Accept-Encoding"] == "gzip"


async def test_what_is_too_much_unpacked_is_not_unpacked_to_its_end(store, client):
    bomb = gzip.compress(bytes(20 * http.MOST_BYTES))

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=bomb, content_type="application/json", headers={"Content-Encoding": "gzip"})

    store.answer = answer
    assert "answers more than 16 MB" in await said(client(store.url))


async def test_an_answer_that_breaks_off(store, client):
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.content_length = 5
        await response.prepare(request)
        await response.write(b"{")
        request.transport.close()
        return response

    store.answer = half
    text = await said(client(store.url))
    assert "peer closed connection without sending complete message body" in text


async def test_a_store_that_is_slow(store, client):
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    store.answer = hang
    assert (
        await said(client(store.url, timeout_s=0.05))
        == f"Prometheus ({store.url}) didn't answer within 0.05 s"
    )


async def test_nobody_waits_any_more(store, client):
    """The store hears that nobody waits, and the client can be asked again."""
    begun, gone = asyncio.Event(), asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        raise AssertionError

    store.answer = hang
    there = client(store.url)
    asking = asyncio.create_task(there.get("/"))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(10):
        await gone.wait()
    store.says()
    assert await there.get("/") == {}


async def test_a_store_that_is_absent(client, unused_tcp_port):
    text = await said(client(f"http://user:secret@127.0.0.1:{unused_tcp_port}"))
    assert text.startswith(f"Prometheus (http://***@127.0.0.1:{unused_tcp_port}) can't be reached: ")
    assert "secret" not in text


@pytest.mark.parametrize(
    "says",
    [
        b"\x00\x01rubbish\r\n\r\n",
        b"it's rubbish\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nrubbish\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"",
    ],
)
async def test_a_server_that_speaks_no_http(client, says):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(says)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        text = await said(client(f"http://user:secret@127.0.0.1:{port}"))
    assert text.startswith(f"Prometheus (http://***@127.0.0.1:{port}) ")
    assert "secret" not in text
    assert "rubbish" not in text


async def test_no_secret_comes_back(store, client):
    """Some servers repeat what they were sent."""

    async def echo(request: web.Request) -> web.StreamResponse:
        told = f"no: {request.headers['Authorization']}, {request.headers['Authorization'].split()[1]}"
        return web.json_response({"error": told}, status=403)

    store.answer = echo
    text = await said(client(store.url, headers=(("Authorization", "Bearer s3cret-token"),)))
    assert text.endswith("no: ***, ***")


async def test_credentials_in_the_address(store, client):
    store.says()
    await client(store.url.replace("//", "//user:pass@")).get("/")
    assert store.requests[0][2]["Authorization"] == "Basic dXNlcjpwYXNz"


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    async def secure(self, serve: Any, authority: trustme.CA) -> Any:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        store = await serve(context)
        store.says()
        return store, context

    async def test_a_certificate_of_nobody_is_not_trusted(self, serve, client, authority):
        store, _ = await self.secure(serve, authority)
        assert "has a certificate that isn't trusted: " in await said(client(store.url))

    async def test_an_authority_of_ones_own(self, serve, client, authority, tmp_path):
        store, _ = await self.secure(serve, authority)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        assert await client(store.url, ca_file=str(tmp_path / "ca.pem")).get("/") == {}

    async def test_a_certificate_of_ones_own(self, serve, client, authority, tmp_path):
        store, context = await self.secure(serve, authority)
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
        mine = authority.issue_cert("bot@example.org")
        mine.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
        mine.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        both = {"client_certificate": str(tmp_path / "cert.pem"), "client_key": str(tmp_path / "key.pem")}
        assert await client(store.url, ca_file=str(tmp_path / "ca.pem"), **both).get("/") == {}
        text = await said(client(store.url, ca_file=str(tmp_path / "ca.pem")))
        assert text.startswith(f"Prometheus ({store.url}) ")

    async def test_a_certificate_that_vanished(self, client):
        text = await said(client("https://localhost:1", ca_file="/nowhere/ca.pem"))
        assert "can't be asked: [Errno 2]" in text


async def test_through_the_proxy_of_the_environment(store, client, monkeypatch):
    monkeypatch.setenv("http_proxy", store.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    store.says('{"by": "proxy"}')
    assert await client("http://prometheus.invalid:9090").get("/api") == {"by": "proxy"}
    monkeypatch.setenv("no_proxy", "prometheus.invalid")
    assert "can't be reached" in await said(client("http://prometheus.invalid:9090"))
