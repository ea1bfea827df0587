"""Through the proxy that the environment names; and TLS, which goes through it too."""

from __future__ import annotations

import asyncio
import gc
import ssl

import pytest
import trustme

from whisperwatch.watcher.certificates import tls_context
from whisperwatch.watcher.http_client import HttpError, UnreachableError, UntrustedError


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "::1").configure_cert(context)
    return context


@pytest.fixture
def trusting(authority, tmp_path):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tls_context(str(tmp_path / "ca.pem"))


@pytest.fixture
def secure(server, server_tls, started):
    """A server by TLS."""
    return lambda: started(type(server)(), server_tls)


class TestTls:
    async def test_it_is_kept(self, secure, client, trusting):
        server = await secure()
        there = client(server.url, tls=trusting)
        for _ in range(3):
            assert (await there.ask("POST", content=b"x" * 300_000, most=10)).body == b"ok"
        assert server.connections == 1

    async def test_a_certificate_of_nobody(self, secure, client):
        with pytest.raises(UntrustedError, match="CERTIFICATE_VERIFY_FAILED"):
            await client((await secure()).url, tls=tls_context(None)).ask("GET", most=10)

    async def test_a_certificate_of_another(self, secure, client, trusting):
        url = (await secure()).url.replace("localhost", "127.0.0.1")
        with pytest.raises(UntrustedError, match="certificate is not valid for"):
            await client(url, tls=trusting).ask("GET", most=10)

    async def test_a_server_that_speaks_none(self, server, client, trusting):
        server.answer = b"HTTP/1.1 400 Bad Request\r\n\r\n"
        url = server.url.replace("http:", "https:")
        with pytest.raises((HttpError, TimeoutError)):
            await client(url, tls=trusting, timeout_s=0.2).ask("GET", most=10)

    @pytest.fixture
    def left(self):
        """What is left stays until it is closed."""
        gc.disable()
        yield
        gc.enable()

    @pytest.mark.usefixtures("left")
    @pytest.mark.parametrize("how", ["in time", "cancelled"])
    async def test_a_handshake_that_never_ends_leaves_no_connection(self, client, trusting, how):
        ended = asyncio.Event()

        async def silent(reader, writer):
            await reader.read()
            ended.set()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
            there = client(url, tls=trusting, timeout_s=0.05 if how == "in time" else 10)
            asking = asyncio.create_task(there.ask("GET", most=10))
            await asyncio.sleep(0.05)
            if how == "cancelled":
                asking.cancel()
            with pytest.raises((TimeoutError, asyncio.CancelledError)):
                await asking
            async with asyncio.timeout(2):
                await ended.wait()


class TestProxy:
    async def test_http_is_forwarded(self, proxy, client, monkeypatch):
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:p%40ss@"))
        there = client("http://user:pass@there.invalid:4318/v1?a=b")
        monkeypatch.delenv("http_proxy")
        for _ in range(2):
            assert (await there.ask("POST", content=b"body", most=10)).body == b"ok"
        assert proxy.connections == 1
        for request in proxy.requests:
            assert request.line == "POST http://there.invalid:4318/v1?a=b HTTP/1.1"
            assert request.headers["host"] == "there.invalid:4318"
            assert request.headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
            assert request.headers["authorization"] == "Basic dXNlcjpwYXNz"

    async def test_an_address_in_brackets(self, proxy, client, monkeypatch):
        monkeypatch.setenv("http_proxy", proxy.url)
        await client("http://[2001:db8::1]:4318/v1").ask("GET", most=10)
        (request,) = proxy.requests
        assert request.line == "GET http://[2001:db8::1]:4318/v1 HTTP/1.1"
        assert request.headers["host"] == "[2001:db8::1]:4318"

    @pytest.mark.parametrize("host", ["localhost", "[::1]"])
    async def test_https_goes_through_a_tunnel(self, proxy, secure, client, trusting, monkeypatch, host):
        proxy.there = server = await secure()
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//me:p%40ss@"))
        there = client(f"https://{host}:{server.port}/v1", [("X-Api-Key", "secret")], tls=trusting)
        for _ in range(2):
            assert (await there.ask("POST", content=b"body", most=10)).body == b"ok"
        (connect,) = proxy.requests
        assert connect.line == f"CONNECT {host}:{server.port} HTTP/1.1"
        assert connect.headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
        assert "x-api-key" not in connect.headers
        for request in server.requests:
            assert request.line == "POST /v1 HTTP/1.1"
            assert request.headers["x-api-key"] == "secret"
            assert "proxy-authorization" not in request.headers

    async def test_what_the_tunnel_leads_to_must_be_trusted(self, proxy, secure, client, monkeypatch):
        proxy.there = server = await secure()
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(UntrustedError):
            await client(server.url, tls=tls_context(None)).ask("GET", most=10)

    async def test_a_proxy_that_is_asked_by_tls(
        self, proxy, started, secure, client, trusting, server_tls, monkeypatch
    ):
        tls_proxy = await started(type(proxy)(), server_tls)
        tls_proxy.there = server = await secure()
        monkeypatch.setenv("https_proxy", tls_proxy.url)
        assert (await client(server.url, tls=trusting).ask("GET", most=10)).body == b"ok"
        assert tls_proxy.requests[0].line == f"CONNECT localhost:{server.port} HTTP/1.1"
        assert len(server.requests) == 1

    async def test_a_proxy_that_refuses(self, proxy, client, trusting, monkeypatch):
        proxy.answer = b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n"
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//me:secret@"))
        with pytest.raises(UnreachableError) as raised:
            await client("https://there.invalid", tls=trusting).ask("GET", most=10)
        assert str(raised.value) == "the proxy answered 407 Who are you?"
        monkeypatch.setenv("http_proxy", proxy.url)
        assert (await client("http://there.invalid").ask("GET", most=10)).status == 407

    async def test_a_proxy_without_a_scheme_speaks_http(self, proxy, client, monkeypatch):
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
        assert (await client("http://there.invalid").ask("GET", most=10)).body == b"ok"

    @pytest.mark.parametrize(
        ("named", "said"),
        [
            (
                "socks5://me:secret@127.0.0.1:1080",
                "its proxy is one of socks5, and only those of http and https are",
            ),
            ("http://me:secret@:1", "the proxy that the environment names has no valid URL"),
        ],
    )
    async def test_a_proxy_of_another_kind_is_said(self, client, monkeypatch, named, said):
        monkeypatch.setenv("http_proxy", named)
        with pytest.raises(UnreachableError, match=said) as raised:
            await client("http://there.invalid").ask("GET", most=10)
        assert "secret" not in str(raised.value)

    async def test_a_proxy_that_is_absent(self, client, monkeypatch, unused_tcp_port):
        monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{unused_tcp_port}")
        with pytest.raises(UnreachableError, match="Connect call failed") as raised:
            await client("http://there.invalid").ask("GET", most=10)
        assert "secret" not in str(raised.value)

    async def test_what_is_asked_without_it(self, server, client, monkeypatch, unused_tcp_port):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_tcp_port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert (await client(server.url).ask("GET", most=10)).body == b"ok"
        assert server.requests[0].line == "GET / HTTP/1.1"
