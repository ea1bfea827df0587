"""The sender, with a receiver of its own on loopback: TCP and TLS, hang-ups, an absence, and too much."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.watcher.siem.cef_parser import parse
from tests.watcher.siem.receiver import Receiver

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.delivery import Backoff
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import LocalStream, Records
from whisperwatch.watcher.settings.siem import Siem as Settings
from whisperwatch.watcher.siem import connection
from whisperwatch.watcher.siem.sender import Sender
from whisperwatch.watcher.siem.siem import Siem
from whisperwatch.watcher.siem.syslog import message

MESSAGES = [f"<134>1 - - tag 1 security - number {number}" for number in range(9)]
REDACTION = Redaction(b"k" * 32)


class Sending:
    """A sender that runs, its figures, and its receiver."""

    def __init__(self, receiver: Receiver, settled_s: float = 0.02, most: int = 100, **settings: Any) -> None:
        self.own = LocalStream({})
        chosen = {"host": "127.0.0.1", "given_port": receiver.port, "transport": "tcp", **settings}
        self.sender = Sender(Settings(**chosen), self.own, Backoff(0.01, 0.05), most, settled_s)
        self.receiver = receiver

    def texts(self) -> list[str]:
        return [one.text for one in self.receiver.messages]

    def figures(self) -> dict[str, float]:
        """What it has counted; of what was dropped by the reason."""
        cells = [
            (one.name, cell)
            for one in self.own.instruments
            for cell in one.cells
            if cell.value and cell.value[0]
        ]
        return {cell.attributes.get("reason", name): cell.value[0] for name, cell in cells}

    async def until(self, condition: Callable[[], bool]) -> None:
        """Of the sender's own state, which nobody is told of."""
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@asynccontextmanager
async def sending(receiver: Receiver, **options: Any) -> AsyncIterator[Sending]:
    made = Sending(receiver, **options)
    running = asyncio.create_task(made.sender.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await receiver.close()
        assert receiver.errors == []


class Certificates:
    """Those of a receiver and of a client, by two authorities."""

    def __init__(self, folder: Path) -> None:
        self.authority, self.other = trustme.CA(), trustme.CA()
        self.ca_file, self.other_file = str(folder / "ca.pem"), str(folder / "other.pem")
        self.authority.cert_pem.write_to_path(self.ca_file)
        self.other.cert_pem.write_to_path(self.other_file)
        self.client_file = str(folder / "client.pem")
        self.authority.issue_cert("bot").private_key_and_cert_chain_pem.write_to_path(self.client_file)

    def server(self, *, of: str = "127.0.0.1", asks: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(of).configure_cert(context)
        if asks:
            self.authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


class TestTcp:
    async def test_messages_come_in_order(self) -> None:
        receiver = await Receiver().open()
        async with sending(receiver) as made:
            made.sender.put(MESSAGES)
            assert await made.sender.flush(10)
            await receiver.until(lambda: len(receiver.messages) == 9)
            assert made.texts() == [f"number {number}" for number in range(9)]
            assert made.figures() == {semconv.SELF_SIEM_SENT.name: 9}
            assert made.sender.reached_since
            assert made.sender.failing_since is None

    async def test_an_event_by_rfc_5424(self, event: Any) -> None:
        receiver = await Receiver().open()
        async with sending(receiver) as made:
            settings = Settings(host="x", facility="auth", tag="companion")
            denied = event(outcome="denied", target="é\n<0>1 forged\0", host="a b")
            made.sender.put([message(denied, settings), message(event(host=""), Settings(host="x"))])
            await receiver.until(lambda: len(receiver.messages) == 2)
        first, second = receiver.messages
        assert (first.priority, first.tag, first.host, first.id) == (4 * 8 + 4, "companion", "ab", "security")
        assert first.time == "2026-09-21T14:13:20.123456Z"
        assert parse(first.text)[1]["cs1"] == "é <0>1 forged "
        assert (second.priority, second.tag, second.host) == (16 * 8 + 6, "whisperengine", "-")  # local0.info

    async def test_a_receiver_that_comes_later_gets_everything(self) -> None:
        receiver = await Receiver().open()
        await receiver.close()
        async with sending(receiver) as made:
            made.sender.put(MESSAGES[:3])
            await made.until(lambda: made.sender.error is not None)
            assert made.sender.error == "Connection refused"
            assert made.sender.waiting == 3
            await receiver.open()
            await receiver.until(lambda: len(receiver.messages) == 3)
            assert await made.sender.flush(10)
            assert made.sender.failing_since is None

    async def test_a_restart_of_the_receiver_loses_nothing_and_is_no_failure(self) -> None:
        receiver = await Receiver().open()
        async with sending(receiver) as made:
            for number, one in enumerate(MESSAGES, 1):
                made.sender.put([one])
                await receiver.until(lambda number=number: len(receiver.messages) >= number)
                assert await made.sender.flush(10)
                await receiver.hang_up()
            assert made.texts() == [f"number {number}" for number in range(9)]
            await receiver.until(lambda: receiver.connections > 9)
            assert made.sender.failing_since is None

    async def test_a_receiver_that_hangs_up_at_once_gets_nothing(self) -> None:
        receiver = await Receiver().open()
        async with sending(receiver, settled_s=5) as made:
            made.sender.put(MESSAGES)
            await receiver.until(lambda: receiver.connections == 1)
            await receiver.hang_up()
            await made.until(lambda: made.sender.failing_since is not None)
            assert made.sender.error == "it hung up"
            assert made.sender.waiting == 9
            assert receiver.messages == []

    async def test_a_receiver_that_stands_still_is_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection, "_PATIENCE_S", 0.05)
        receiver = await Receiver(reads=False).open()
        async with sending(receiver, most=100_000) as made:
            made.sender.put([MESSAGES[0] + "x" * 2000] * 20_000)  # more than kernels keep
            await made.until(lambda: made.sender.error is not None)
            assert made.sender.error == "it doesn't answer"
            began = made.sender.failing_since
            await receiver.until(lambda: receiver.connections >= 3)
            assert made.sender.failing_since == began  # to be let in is no success
            assert made.sender.waiting
            assert made.figures()[semconv.SELF_SIEM_SENT.name] < 20_000

    async def test_over_the_bound_the_oldest_go_and_are_counted(self) -> None:
        receiver = await Receiver().open()
        await receiver.close()
        async with sending(receiver, most=3) as made:
            made.sender.put(MESSAGES)
            assert made.sender.dropped == 6
            await receiver.open()
            await receiver.until(lambda: len(receiver.messages) == 3)
            assert made.texts() == ["number 6", "number 7", "number 8"]
            assert await made.sender.flush(10)
            assert made.figures() == {semconv.SELF_SIEM_SENT.name: 3, "buffer_full": 6}


class TestTls:
    async def test_the_receivers_certificate_is_checked(self, certificates: Certificates) -> None:
        receiver = await Receiver(certificates.server()).open()
        async with sending(receiver, transport="tls", ca_file=certificates.ca_file) as made:
            made.sender.put(MESSAGES)
            await receiver.until(lambda: len(receiver.messages) == 9)
            assert await made.sender.flush(10)

    @pytest.mark.parametrize(
        ("of", "authority", "why"),
        [
            ("127.0.0.1", "other_file", "unable to get local issuer certificate"),
            ("evil.example", "ca_file", "IP address mismatch"),
        ],
    )
    async def test_to_another_nothing_is_sent(
        self, certificates: Certificates, of: str, authority: str, why: str
    ) -> None:
        receiver = await Receiver(certificates.server(of=of)).open()
        async with sending(receiver, transport="tls", ca_file=getattr(certificates, authority)) as made:
            made.sender.put(MESSAGES)
            await made.until(lambda: made.sender.error is not None)
            assert why in str(made.sender.error)
            assert made.sender.waiting == 9
            assert receiver.messages == []

    async def test_a_receiver_without_tls_is_named(self) -> None:
        receiver = await Receiver().open()
        made = Sending(receiver, transport="tls")
        running = asyncio.create_task(made.sender.run())
        await made.until(lambda: made.sender.error is not None)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await receiver.close()
        assert "TLS" in str(made.sender.error)
        assert receiver.messages == []

    async def test_our_certificate(self, certificates: Certificates) -> None:
        receiver = await Receiver(certificates.server(asks=True)).open()
        options = {"transport": "tls", "ca_file": certificates.ca_file, "settled_s": 0.5}
        async with sending(receiver, **options, client_certificate=certificates.client_file) as made:
            made.sender.put(MESSAGES)
            await receiver.until(lambda: len(receiver.messages) == 9)
        await receiver.open()
        async with sending(receiver, **options) as made:  # TLS 1.3 tells of it only after the handshake
            made.sender.put(MESSAGES)
            await made.until(lambda: made.sender.error is not None)
            assert made.sender.waiting == 9
            assert made.figures() == {}

    async def test_a_file_that_is_no_certificate(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("nothing")
        receiver = await Receiver().open()
        async with sending(receiver, transport="tls", ca_file=str(tmp_path / "ca.pem")) as made:
            await made.until(lambda: made.sender.error is not None)
            assert "a certificate or key of SIEM_SYSLOG_… can't be read" in str(made.sender.error)


def log(attributes: dict[str, Any] | None, event: str | None = semconv.EVENT_SECURITY) -> tuple[Any, ...]:
    return (
        5,
        13,
        "WARN",
        semconv.SCOPE,
        "what somebody wrote",
        attributes,
        0xABC,
        0xDEF,
        1,
        None,
        None,
        event,
    )


class TestSiem:
    async def test_security_events_alone_go_and_ids_are_hashed(self) -> None:
        receiver = await Receiver().open()
        own = LocalStream({})
        siem = Siem(Settings(host="127.0.0.1", given_port=receiver.port, transport="tcp"), REDACTION, own)
        stream = Records({"service.name": "companion", "service.instance.id": "i-1", "host.name": "ada"})
        siem.start()
        attributes = {
            semconv.SECURITY_KIND: "admin.command", semconv.SECURITY_OUTCOME: "denied", semconv.USER_ID: 123456789,
            semconv.SECURITY_TARGET: "sk-proj-abcdEFGH1234ijklMNOP5678 again", "bot.text": "something else",
        }  # fmt: skip
        siem.add_logs(stream, [log({}, None), log(attributes), log({}, "bot.error")], 1_790_000_000 * 10**9)
        await siem.stop()
        await receiver.until(lambda: len(receiver.messages) == 1)
        await receiver.close()
        (got,) = receiver.messages
        _, extension = parse(got.text)
        assert extension["suid"] == REDACTION(123456789)
        assert (extension["act"], extension["cs2"]) == ("denied", f"{0xABC:032x}")
        assert extension["cs1"] == "[redacted:api_key] again"
        assert (got.host, extension["destinationServiceName"]) == ("ada", "companion")
        assert "123456789" not in got.text
        assert "wrote" not in got.text
        assert "something else" not in got.text

    async def test_what_is_not_sent_by_the_end_is_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("whisperwatch.watcher.siem.siem._PATIENCE_S", 0.01)
        receiver = await Receiver().open()
        await receiver.close()
        own = LocalStream({})
        siem = Siem(Settings(host="127.0.0.1", given_port=receiver.port, transport="tcp"), REDACTION, own)
        siem.start()
        siem.add_logs(Records({}), [log({}), log([1])], 0)  # the second has another shape
        await siem.stop()
        (metric,) = [one for one in own.instruments if one.name == semconv.SELF_SIEM_DROPPED.name]
        lost = {cell.attributes["reason"]: cell.value for cell in metric.cells}
        assert lost == {"buffer_full": (0,), "shutdown": (1,), "unencodable": (1,)}
