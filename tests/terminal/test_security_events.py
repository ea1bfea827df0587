"""`security-events export`: what a watcher left behind, and what Loki has, in each format; the guide's ways with it."""

from __future__ import annotations

import asyncio
import json
import shutil
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.contract.bot import Bot
from tests.contract.both import Embedded
from tests.watcher.siem.cef_parser import parse

from whisperwatch import semconv
from whisperwatch.cli import main
from whisperwatch.state import StateDirectory, hash_id
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.siem.reading import of_log
from whisperwatch.watcher.store.metrics import Keep

USER = 123456789012345678
NOW = time.time()
CHANGE = {
    semconv.SECURITY_KIND: "admin.config", semconv.SECURITY_OUTCOME: "allowed", semconv.COMPONENT: "security",
    semconv.SECURITY_TARGET: "HEALTH_CHECK_INTERVAL", semconv.SECURITY_BY: "terminal",
}  # fmt: skip
REFUSAL = {
    semconv.SECURITY_KIND: "admin.command", semconv.SECURITY_OUTCOME: "denied", semconv.COMPONENT: "security",
    semconv.SECURITY_TARGET: "health\nCEF:0|forged", semconv.USER_ID: USER, "bot.text": "what somebody wrote",
}  # fmt: skip
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A state directory with two security events and another record, and the events' ids on the way to a SIEM."""
    path = tmp_path_factory.mktemp("state")
    return path, asyncio.run(_live(path))


async def _live(path: Path) -> list[str]:
    redaction = Redaction(StateDirectory(path).key())
    embedded = Embedded(path / "store.db", Keep(), redaction)
    await embedded.store.open()
    bot = Bot("one", NOW - 600)
    bot.log(NOW - 7200, "INFO", semconv.SCOPE, "old", event=semconv.EVENT_SECURITY, attributes=CHANGE)
    bot.log(NOW - 90, "INFO", semconv.SCOPE, "x", event=semconv.EVENT_SECURITY, attributes=CHANGE, trace_id=7)
    bot.log(NOW - 60, "WARNING", semconv.SCOPE, "x", event=semconv.EVENT_SECURITY, attributes=REFUSAL)
    bot.log(NOW - 30, "ERROR", "bot", "no security event")
    _, logs = bot.send()
    await embedded.take([bot], [(bot.stream, logs)], NOW)
    await embedded.store.do(lambda database: None)
    await embedded.store.stop()
    return [of_log(bot.stream, log, 0, redaction).uid for log in logs[1:3]]


@pytest.fixture
def run(
    kept: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.delenv("LOKI_URL", raising=False)
    monkeypatch.setenv("WHISPERWATCH_STATE_DIR", str(kept[0]))
    monkeypatch.setenv("OTEL_SERVICE_NAME", "companion")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=ada")

    def run_it(*words: str) -> tuple[int, str, str]:
        try:
            status = main(["security-events", "export", *words])
        except SystemExit as left:
            status = int(left.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return run_it


def test_cef(run: Run, kept: tuple[Path, list[str]]) -> None:
    status, out, err = run("--format", "cef", "--since", "1h")
    assert (status, err) == (0, "2 security events\n")
    (_, change), (header, refusal) = map(parse, out.splitlines())
    assert [change["externalId"], refusal["externalId"]] == kept[1]  # the same whichever way they go
    assert (change["suser"], change["cs1"], change["cs2"]) == (
        "terminal",
        "HEALTH_CHECK_INTERVAL",
        f"{7:032x}",
    )
    assert header["name"] == "Admin command denied"
    assert refusal["suid"] == hash_id(StateDirectory(kept[0]).key(), USER)
    assert (refusal["destinationServiceName"], refusal["dvchost"]) == ("companion", "ada")
    assert refusal["deviceExternalId"] == "one"


@pytest.mark.parametrize("form", ["hec", "ecs", "ocsf", "cef"])
def test_no_id_and_nothing_else_leaves(run: Run, form: str) -> None:
    _, out, _ = run("--format", form)
    assert len(out.splitlines()) == 3
    assert str(USER) not in out
    assert "wrote" not in out


def test_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "security-events.json"
    status, out, err = run("--format", "ocsf", "--output", str(file), "--since", "1h")
    assert (status, out, err) == (0, "", f"2 security events in {file}\n")
    assert [json.loads(line)["class_uid"] for line in file.read_text().splitlines()] == [6003, 6003]
    assert run("--format", "ocsf", "--output", str(file))[0] == 2  # it is there already


def test_what_is_wrong_is_said(run: Run) -> None:
    assert run("--format", "leef")[0] == 2
    assert run()[0] == 2
    status, _, err = run("--format", "cef", "--since", "soon")
    assert (status, "no duration" in err) == (2, True)


def test_a_change_while_no_bot_runs_is_one_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("WHISPERWATCH_STATE_DIR", str(state))
    monkeypatch.setenv("HEALTH_CHECK_PORT", "0")
    with subprocess.Popen([sys.executable, "-m", "whisperwatch.watcher", "--stay"]) as watcher:
        try:
            _until(lambda: (state / "watcher.sock").exists())
            assert main(["config", "set", "HEALTH_CHECK_INTERVAL", "20s"]) == 0
            words = ["security-events", "export", "--format", "cef"]
            out = _until(lambda: (capsys.readouterr(), main(words), capsys.readouterr().out)[-1])
        finally:
            watcher.terminate()
    header, extension = parse(out.strip())
    assert (header["class_id"], extension["act"]) == ("admin.config", "allowed")
    assert (extension["suser"], extension["cs1"]) == ("terminal", "HEALTH_CHECK_INTERVAL")


def _until(told: Callable[[], Any]) -> Any:
    end = time.monotonic() + 30
    while not (found := told()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


class Loki(BaseHTTPRequestHandler):
    """Has 2,500 security events, a second apart, and gives as many as are asked for."""

    queries: list[str] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {key: values[0] for key, values in parse_qs(body).items()}
        self.queries.append(form["query"])
        times = [int((NOW - 1 - number) * 1e9) for number in range(2500)]
        found = [at for at in times if int(form["start"]) <= at < int(form["end"])][: int(form["limit"])]
        stream = {
            "bot_security_kind": "login", "bot_security_outcome": "denied", "discord_user_id": "0123456789abcdef",
            "service_instance_id": "i-1", "event_name": "bot.security", "severity_text": "WARN", "host_name": "eve",
        }  # fmt: skip
        result = [{"stream": stream, "values": [[str(at), "login: denied"] for at in found]}]
        told = json.dumps({"status": "success", "data": {"resultType": "streams", "result": result}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST

    def log_message(self, *_: Any) -> None: ...


def test_loki_answers_as_well(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Loki) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("LOKI_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES")
        status, out, err = run("--format", "hec", "--since", "1d")
        server.shutdown()
    assert (status, err) == (0, "2,500 security events\n")
    events = [json.loads(line) for line in out.splitlines()]
    assert [one["time"] for one in events] == sorted({one["time"] for one in events})
    assert events[0]["event"]["user"] == "0123456789abcdef"
    assert (events[0]["event"]["kind"], events[0]["event"]["instance"]) == ("login", "i-1")
    assert "host" not in events[0]  # not this machine's
    assert set(Loki.queries) == {'{service_name="companion"} | event_name="bot.security"'}


class Collector(BaseHTTPRequestHandler):
    """Splunk's HTTP Event Collector, as far as it reads: objects one behind the other."""

    taken: list[Any] = []

    def do_POST(self) -> None:
        assert self.headers["Authorization"] == "Splunk token"
        text = self.rfile.read(int(self.headers["content-length"])).decode().strip()
        while text:
            one, end = json.JSONDecoder().raw_decode(text)
            self.taken.append(one)
            text = text[end:].lstrip()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"text":"Success","code":0}')

    def log_message(self, *_: Any) -> None: ...


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_guides_curl(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "security-events.json"
    run("--format", "hec", "--output", str(file))
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/services/collector"
        words = [
            "curl",
            "-sS",
            "--fail",
            "--noproxy",
            "*",
            "-X",
            "POST",
            url,
            "-H",
            "Authorization: Splunk token",
        ]
        subprocess.run([*words, "-d", f"@{file}"], check=True, capture_output=True, timeout=30)
        server.shutdown()
    assert [one["event"]["kind"] for one in Collector.taken] == [
        "admin.config",
        "admin.config",
        "admin.command",
    ]
    assert {one["sourcetype"] for one in Collector.taken} == {"whisperwatch:security"}


class Syslog(socketserver.StreamRequestHandler):
    received: Queue[str] = Queue()

    def handle(self) -> None:
        for line in self.rfile:
            self.received.put(line.decode())


@pytest.fixture
def syslog() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Syslog) as server:
        server.daemon_threads = False
        threading.Thread(target=server.serve_forever).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.skipif(shutil.which("logger") is None, reason="logger is not installed")
def test_the_guides_logger(run: Run, tmp_path: Path, syslog: int) -> None:
    """A message for each event: of more than one in "$(cat …)", logger would make one, and cut it at 1 KiB."""
    file = tmp_path / "security-events.cef"
    run("--format", "cef", "--output", str(file), "--since", "1h")
    to = ["-n", "127.0.0.1", "-P", str(syslog), "--tcp", "--size", "8KiB"]
    words = ["logger", *to, "-p", "local0.info", "-t", "whisperengine", "-f", str(file)]
    subprocess.run(words, check=True, timeout=30)
    received = [Syslog.received.get(timeout=10) for _ in range(2)]
    assert all(line.startswith("<134>") and "whisperengine" in line for line in received)
    classes = [parse(line[line.index("CEF:") :].rstrip("\n"))[0]["class_id"] for line in received]
    assert classes == ["admin.config", "admin.command"]
