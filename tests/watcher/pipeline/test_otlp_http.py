"""OTLP over HTTP against real servers: what comes of each way in which a collector can behave."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
from email.utils import formatdate
from typing import Any

import pytest
import trustme
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from whisperwatch.version import __version__
from whisperwatch.watcher.pipeline.otlp_http import HttpTransport, retry_after
from whisperwatch.watcher.pipeline.transport import Failed, Refused, Taken

PROTOBUF = "application/x-protobuf"


async def send(target: Any, body: bytes = b"body", timeout_s: float = 10.0) -> Any:
    transport = HttpTransport(target, timeout_s)
    try:
        return await transport.send(body)
    finally:
        await transport.close()


def answering(body: bytes, content_type: str = PROTOBUF, status: int = 200) -> Any:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type, status=status)

    return answer


async def test_what_is_posted(collector, target):
    there = target(f"{collector.url}/v1/traces", headers=(("authorization", "Bearer x"), ("x-a", "b c")))
    assert await send(there, b"\x0a\x00") == Taken()
    (request,) = collector.requests
    assert (request.path, request.body) == ("/v1/traces", b"\x0a\x00")
    assert request.headers["Content-Type"] == PROTOBUF
    assert request.headers["User-Agent"] == f"whisperwatch/{__version__}"
    assert (request.headers["Authorization"], request.headers["X-A"]) == ("Bearer x", "b c")
    assert "Content-Encoding" not in request.headers


async def test_gzip(collector, target):
    assert await send(target(collector.url, compression="gzip"), b"x" * 5000) == Taken()
    (request,) = collector.requests
    assert request.headers["Content-Encoding"] == "gzip"
    assert int(request.headers["Content-Length"]) < 100
    assert request.body == b"x" * 5000


@pytest.mark.parametrize("status", [408, 429, 500, 501, 502, 503, 504])
async def test_worth_another_try(collector, target, answers, status):
    collector.script = [answers.status(status, Retry_After="7")]
    outcome = await send(target(collector.url))
    assert isinstance(outcome, Failed)
    assert outcome.after_s == 7
    assert str(status) in outcome.message


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_never_taken(collector, target, status):
    collector.script = [answering(b"no such\nsample", "text/plain", status)]
    outcome = await send(target(collector.url))
    assert isinstance(outcome, Refused)
    assert outcome.reason == f"http_{status}"
    assert "no such sample" in outcome.message


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407])
async def test_where_the_way_is_wrong_it_waits(collector, target, status):
    collector.script = [answering(b"no such\ntenant", "text/plain", status)]
    outcome = await send(target(collector.url))
    assert isinstance(outcome, Failed)
    assert outcome.message.endswith(": no such tenant")


@pytest.mark.parametrize(
    "said",
    [b"Client sent an HTTP request to an HTTPS server.", b"The plain HTTP request was sent to HTTPS port"],
)
async def test_a_server_with_tls_that_says_so_is_no_refusal(collector, target, said):
    collector.script = [answering(said, "text/plain", 400)]
    assert isinstance(await send(target(collector.url)), Failed)


async def test_a_page_for_people_is_no_collector(collector, target):
    collector.script = [answering(b"<html>welcome to nginx</html>", "text/html")]
    outcome = await send(target(collector.url))
    assert isinstance(outcome, Failed)
    assert "is it a collector?" in outcome.message


async def test_no_secret_of_the_url_is_in_what_is_said(collector, target, answers):
    collector.script = [answers.status(503), answers.status(400)]
    there = collector.url.replace("//", "//user:secret@") + "/?key=secret"
    for _ in range(2):
        outcome = await send(target(there))
        assert collector.url in outcome.message
        assert "secret" not in outcome.message


async def test_a_redirect_is_not_followed(collector, target, answers):
    collector.script = [answers.status(307, Location=collector.url + "/elsewhere")]
    outcome = await send(target(collector.url, headers=(("authorization", "secret"),)))
    assert isinstance(outcome, Failed)
    assert "answered 307" in outcome.message
    assert len(collector.requests) == 1


async def test_partial_success(collector, target):
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 3
    response.partial_success.error_message = "too\nold"
    collector.script = [answering(response.SerializeToString())]
    assert await send(target(collector.url)) == Taken(3, "too\nold")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\xff" * 50, PROTOBUF),
        (b"\x0a\x7f", PROTOBUF),
        (b"{}", "application/json"),
    ],
)
async def test_a_200_that_is_no_otlp_is_taken_but_said(collector, target, body, content_type):
    collector.script = [answering(body, content_type)]
    outcome = await send(target(collector.url))
    assert isinstance(outcome, Taken)
    assert "is it a collector?" in outcome.message


async def test_an_endless_answer_is_not_read_to_its_end(collector, target):
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65_536)
        return response

    collector.script = [endless]
    assert isinstance(await send(target(collector.url)), Taken)


@pytest.mark.parametrize("rest", ["breaks off", "hangs", "is no gzip"])
async def test_the_status_counts_even_if_the_body_never_comes(collector, target, rest):
    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": PROTOBUF} | ({"Content-Encoding": "gzip"} if rest == "is no gzip" else {})
        response = web.StreamResponse(headers=headers)
        response.content_length = 5
        await response.prepare(request)
        await response.write(b"half")
        if rest == "hangs":
            await asyncio.Event().wait()
        assert request.transport is not None
        request.transport.close()
        return response

    collector.script = [answer]
    assert await send(target(collector.url), timeout_s=0.2) == Taken()


async def test_an_answer_that_is_packed(collector, target):
    """Nobody asked for that, but a proxy may do it."""
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 3

    async def answer(_: web.Request) -> web.StreamResponse:
        body = gzip.compress(response.SerializeToString())
        return web.Response(body=body, content_type=PROTOBUF, headers={"Content-Encoding": "gzip"})

    collector.script = [answer]
    assert await send(target(collector.url)) == Taken(3)
    assert collector.requests[0].headers["Accept-Encoding"] == "identity"


async def test_a_collector_that_hangs(collector, target):
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    collector.script = [hang]
    outcome = await send(target(collector.url), timeout_s=0.05)
    assert isinstance(outcome, Failed)
    assert "didn't answer within 0.05 s" in outcome.message


async def test_a_collector_that_is_absent(target, unused_tcp_port):
    outcome = await send(target(f"http://user:secret@127.0.0.1:{unused_tcp_port}/v1/traces?key=secret"))
    assert isinstance(outcome, Failed)
    assert outcome.after_s is None
    assert "127.0.0.1" in outcome.message
    assert "secret" not in outcome.message


@pytest.mark.parametrize(
    "says", [b"\x00\x01\x02 rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b""]
)
async def test_a_server_that_speaks_no_http(target, says):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"body")
        writer.write(says)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await send(target(f"http://user:secret@127.0.0.1:{port}/?key=secret"))
    assert isinstance(outcome, Failed)
    assert "secret" not in outcome.message


async def test_a_kept_connection_of_a_server_that_was_restarted_is_no_failure(target):
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request, takes a second one, and hangs up."""
        nonlocal connections
        connections += 1
        with contextlib.closing(writer):
            for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""):
                with contextlib.suppress(asyncio.IncompleteReadError):
                    await reader.readuntil(b"body")
                writer.write(answer)

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        transport = HttpTransport(target(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"), 10)
        assert [await transport.send(b"body") for _ in range(3)] == [Taken()] * 3
        await transport.close()
    assert connections == 3


@pytest.fixture
async def tls(tmp_path):
    """A server that wants a client certificate; its URL, and the files of its authority and of a client."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    client = authority.issue_cert("client@example.org")
    files = {name: tmp_path / name for name in ("ca", "key", "certificate")}
    authority.cert_pem.write_to_path(files["ca"])
    client.private_key_pem.write_to_path(files["key"])
    client.cert_chain_pems[0].write_to_path(files["certificate"])
    app = web.Application()
    app.router.add_post("/", answering(b""))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=context).start()
    yield f"https://localhost:{runner.addresses[0][1]}/", {name: str(path) for name, path in files.items()}
    await runner.cleanup()


async def test_tls_with_a_client_certificate(tls, target):
    url, files = tls
    there = target(
        url, certificate=files["ca"], client_key=files["key"], client_certificate=files["certificate"]
    )
    assert await send(there) == Taken()


async def test_tls_without_the_authority(tls, target):
    url, _ = tls
    outcome = await send(target(url))
    assert isinstance(outcome, Failed)
    assert "certificate" in outcome.message.lower()


def test_a_certificate_that_is_not_there(target, tmp_path):
    with pytest.raises(OSError, match="No such file"):
        HttpTransport(target("https://localhost", certificate=str(tmp_path / "none")), 1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("", None), ("5", 5), ("0", 0), ("soon", None), ("-5", None), ("99999999", 3600),
        (formatdate(1030, usegmt=True), 30), (formatdate(900, usegmt=True), 0),
    ],
)  # fmt: skip
def test_retry_after(header, seconds):
    assert retry_after(header, 1000.0) == seconds
