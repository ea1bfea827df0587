"""Secrets planted all over a real bot, and a user's own words, never come out of a real watcher.

Looked through is everything that leaves, is kept or is shown: OTLP requests as they came, `/metrics`, the health pages,
all that admins can ask in Discord or in a terminal, the embedded store row by row, every file of the state directory,
the log file where there is one, and our own logs in both processes.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import re
import signal
import sqlite3
import sys
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from whisperwatch.ask import ask
from whisperwatch.cli import main
from whisperwatch.demo.loopback import GuildPlan, LoopbackDiscord
from whisperwatch.questions import BY_NAME
from whisperwatch.semconv import HEALTH_COMPONENTS
from whisperwatch.watcher.store.traces.packing import unpacked

PATIENCE_S = 60
PROGRAM = Path(__file__).with_name("privacy_bot.py")
WORDS = "abcdEFGH1234ijklMNOP5678"
DISCORD = base64.b64encode(b"198622483471925248").decode() + ".Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

PLANTED = {
    "environment": "no shape at all, only known",
    "file": "mounted into the container",
    "database_url": "db-pa55word",
    "exporter_header": "collector-credentials-1",
    "resource": f"glpat-{WORDS}",
    "setting": f"sk-proj-{WORDS}",
    "yaml": f"sk-ant-api03-{WORDS}",
    "message": f"ghp_{WORDS[::-1]}",  # else the others repeat it, and are masked before they are redacted
    "command_exception": f"hf_{WORDS}",
    "recorded_exception": f"xoxb-{WORDS}",
    "status": f"AIza{WORDS}12345678901",
    "sql_literal": "Rosebud",
    "sql_comment": "Mellon",
    "prompt": "ada.lovelace@example.org",
    "header": "any-header-value",
    "url_query": "query-token-77",
    "url_user": "user-info-88",
    "webhook": f"webhooks/123456789012345678/{WORDS}",
    "interaction": f"interactions/123456789012345678/{WORDS}",
    "attribute": f"sk_live_{WORDS}",
    "list": DISCORD,
    "bytes": JWT,
    "event": "hunter2-in-event",
    "event_name": f"npm_{WORDS}{WORDS}",
    "link": f"pypi-{WORDS}",
    "span_name": f"github_pat_{WORDS}",
    "scope": f"gsk_{WORDS}",
    "metric": f"SG.{WORDS}.{WORDS}",
    "log_argument": f"tvly-{WORDS}",
    "log_body": f"glsa_{WORDS}{WORDS}",
    "log_extra": f"sk-proj-extra{WORDS}",
    "loguru": f"xoxp-{WORDS}",
    "log_exception": f"whsec_{WORDS}",
    "private_key": "MIIEpAIBAAKCAQEA",
    "own_pattern": "case-0815",
    "instance": f"rk_live_{WORDS}",
    "check": "postgresql://checker:check-pa55word@db/bot",
    "own_setting": f"sk-own-setting-{WORDS}",
    "security_target": f"ghs_{WORDS}{WORDS}",
    "reported_exception": f"sk-reported-{WORDS}",
}  # fmt: skip
"""By where it is planted; the bot plants it by that name."""
SAID = "my grandmother lives in Lower Saxony"
USER, GUILD, CHANNEL = "ada-of-old", "Secret Society", "hidden-room"
SPANS = {"message", "command plant", "command fail", "the last one"}
OWN_WORDS = ("grandmother lives", "Lower Saxony", USER, GUILD, CHANNEL)


TRACE = re.compile(r"[0-9a-f]{32}")
ZLIB = re.compile(rb"x[\x01\x5e\x9c\xda]")
LOGS = {"our log": "ours.log", "the watcher's own": "state/*.log", "the log file": "log/*"}


@dataclass
class Collector:
    """Refuses, and quotes what it was sent, until `takes` is set; then takes everything."""

    url: str = ""
    takes: bool = False
    bodies: list[tuple[str, bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self.takes:
            return web.Response(status=503, text=f"who is {request.headers['authorization']}?")
        self.bodies.append((request.path, body))
        return web.Response(content_type="application/x-protobuf")

    def span_names(self) -> set[str]:
        requests = [
            ExportTraceServiceRequest.FromString(b) for path, b in self.bodies if path == "/v1/traces"
        ]
        return {
            s.name for r in requests for one in r.resource_spans for sc in one.scope_spans for s in sc.spans
        }


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    app = web.Application(client_max_size=2**28)
    app.router.add_post("/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def discord() -> AsyncIterator[LoopbackDiscord]:
    async with LoopbackDiscord([GuildPlan(GUILD, (CHANNEL,), (), "the-owner")], people=[USER]) as server:
        yield server


@pytest.fixture
def environment(discord: LoopbackDiscord, collector: Collector, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "secret").write_text(PLANTED["file"] + "\n")
    (tmp_path / "monitoring.yaml").write_text(
        f"monitoring:\n  metrics:\n    collection_interval: {PLANTED['yaml']}\n"
    )
    return {
        "PATH": "/usr/bin:/bin",
        "PLANTED": json.dumps(PLANTED),
        "DISCORD_PORT": str(discord.port),
        "DISCORD_TOKEN": discord.token,
        "LLM_API_KEY": PLANTED["environment"],
        "CACHE_PASSWORD_FILE": str(tmp_path / "secret"),
        "DATABASE_URL": f"postgresql://bot:{PLANTED['database_url']}@db/bot",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={quote('Bearer ' + PLANTED['exporter_header'])}",
        "OTEL_RESOURCE_ATTRIBUTES": f"deployment.note={PLANTED['resource']},db.password=x{PLANTED['database_url']},"
        f"service.instance.id={PLANTED['instance']}",
        "OTEL_BSP_SCHEDULE_DELAY": "100ms",
        "OTEL_METRIC_EXPORT_INTERVAL": "300ms",
        "HEALTH_CHECK_INTERVAL": PLANTED["setting"],
        "HEALTH_CHECK_PORT": "0",
        "WHISPERWATCH_REDACT_PATTERNS": r"case-\d+",
        "WHISPERWATCH_STATE_DIR": str(tmp_path / "state"),
        "WHISPERWATCH_LINGER": "1s",
        "LOG_FILE": str(tmp_path / "log" / "bot.ndjson"),
    }


async def test_nothing_planted_comes_out(
    discord: LoopbackDiscord, collector: Collector, environment: dict[str, str], tmp_path: Path
) -> None:
    bot = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), cwd=tmp_path, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    shown: dict[str, str] = {}
    state = tmp_path / "state"
    try:
        async with asyncio.timeout(PATIENCE_S):
            url = await url_of(bot, tmp_path)
            ada = discord.user(USER)
            await discord.reply_to(await ada.say(f"!plant {SAID} {PLANTED['message']}"), timeout=PATIENCE_S)
            await ada.say(f"!fail {SAID}")
            # the collector quotes our credentials, and health and the log say why it refuses
            shown["health"] = await page_with(f"{url}/health", "who is")
            for view in ({}, {"view": "detailed"}):
                answer = await asyncio.to_thread(ask, "health", {**view, "by": 4242}, state)
                shown[f"health {view} while it refuses"] = unescaped(answer)
            waiting = files(state)
            collector.takes = True
            while not collector.span_names() >= SPANS:  # noqa: ASYNC110 - it comes from another process
                await asyncio.sleep(0.05)
            shown["metrics"] = await page_with(f"{url}/metrics", "planted_total")
            shown["health, pass, warn or fail"] = await page_with(
                f"{url}/health/detailed", "checks", {"accept": "application/health+json"}
            )
            shown["payments"] = await page_with(f"{url}/health/component/payments", "raised")
            for route in ("live", "ready", "detailed", *(f"component/{name}" for name in HEALTH_COMPONENTS)):
                shown[route] = await page_with(f"{url}/health/{route}", "{")
            await all_is_kept(state)
            shown |= await answers(state)
            shown |= await asyncio.to_thread(printed, state)
            shown |= {f"{name}, {when}": text for when, lay in (("waiting", waiting), ("running", files(state)))
                      for name, text in lay.items()}  # fmt: skip
            bot.send_signal(signal.SIGINT)
            _, err = await bot.communicate()
            assert bot.returncode == 0, err.decode()
    finally:
        if bot.returncode is None:
            bot.kill()
            await bot.communicate()
    shown |= {name: written(tmp_path, files) for name, files in LOGS.items()}
    shown |= {**files(state), **rows(state / "store.db")}
    shown |= {f"OTLP {path} {n}": body.decode("latin-1") for n, (path, body) in enumerate(collector.bodies)}
    ids = [str(one.id) for one in (ada, discord.guild(), discord.channel(CHANNEL))]
    secret = [*PLANTED.values(), "plain-extra-key", discord.token, *OWN_WORDS, *ids]
    found = {(where, one) for where, text in shown.items() for one in secret if one in text}
    assert not found, sorted(found)
    # it was all there: each value that was set has left something in its place
    exported = "".join(text for where, text in shown.items() if where.startswith("OTLP"))
    for kind in (
        "api_key", "credentials", "discord_token", "discord_webhook", "email", "interaction_token", "jwt", "pattern",
        "private_key", "secret",
    ):  # fmt: skip
        assert f"[redacted:{kind}]" in exported
        assert f'whisperwatch_redacted_total{{whisperwatch_secret_kind="{kind}"}}' in shown["metrics"]
    assert "can't save [masked]" in exported
    for log in (exported, shown["the log file"]):
        assert "the key is [redacted:api_key], said '[masked]'" in log
        assert "see extra" in log
        assert "[masked] wrote [masked], with [redacted:api_key]" in log
        assert "RuntimeError: can't save [masked] of [masked]: [redacted:" in log
    assert "VALUES (?, ?)" in exported
    assert "who is [redacted:secret]?" in shown["health"]
    assert "HEALTH_CHECK_INTERVAL=[redacted:api_key]" in shown["our log"]
    assert "collection_interval=[redacted:api_key]" in shown["our log"]
    assert 'deployment_note="[redacted:api_key]"' in shown["metrics"]
    for told in ("detailed", "payments", "health {'view': 'detailed'} by", "check {} form"):
        assert "postgresql://[redacted:credentials]@db/bot, [redacted:secret]" in shown[told]
    assert "who is [redacted:secret]?" in shown["health {} while it refuses"]
    for kept in ("table logs", "logs {'lines': 100} form", "logs --lines 1000 --format json"):
        assert "the key is [redacted:api_key], said '[masked]'" in all_of(shown, kept)
    for kept in ("table traces", "trace "):
        assert "VALUES (?, ?)" in all_of(shown, kept)
    assert all(
        "[redacted:api_key]" in all_of(shown, kept) for kept in ("table series", "table lives", "query")
    )
    assert "OWN_SETTING = [redacted:api_key]" in shown["config {} form"]
    assert "[redacted:api_key]" in all_of(shown, "file spool")


async def all_is_kept(state: Path) -> None:
    """Wait until the store has the last of what the bot did."""
    while "swallowed" not in repr(await asyncio.to_thread(ask, "logs", {"lines": 100}, state)):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    while (await asyncio.to_thread(terminal, state, "traces", "--json")).count('"root": "message"') < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


def all_of(shown: dict[str, str], start: str) -> str:
    return "".join(text for where, text in shown.items() if where.startswith(start))


async def answers(state: Path) -> dict[str, str]:
    """What a watcher answers to each question that admins have, as Discord gets it and as a terminal does."""
    found = {}
    asked = [
        ("health", {}), ("health", {"view": "detailed"}), ("check", {}), ("logs", {"lines": 100}),
        ("logs", {"what": "search", "text": "said"}), ("logs", {"level": "error", "lines": 100}),
        *(("logs", {"what": "export", "format": one}) for one in ("json", "csv", "ndjson")),
        ("config", {}), ("config", {"action": "get", "name": "HEALTH_CHECK_INTERVAL"}),
        ("config", {"action": "get", "name": "OWN_SETTING"}),
        ("config", {"action": "get", "name": "OTEL_EXPORTER_OTLP_HEADERS"}),
        *((name, {}) for name in BY_NAME if name not in ("health", "logs", "config", "trace")),
        *(("performance", {"view": view}) for view in ("history", "response-times", "bottlenecks", "resources")),
    ]  # fmt: skip
    trace = TRACE.search(str(await asyncio.to_thread(ask, "logs", {"level": "error"}, state)))
    assert trace is not None
    for question, given in [*asked, ("trace", {"id": trace[0]})]:
        for form in ({"form": "chart"}, {"by": 4242, "sketched": True}):
            answer = await asyncio.to_thread(ask, question, {**given, **form}, state)
            assert not answer["error"], (question, given, answer)
            found[f"{question} {given} {next(iter(form))}"] = unescaped(answer)
    return found


def unescaped(answer: object) -> str:
    """Discord's markdown puts backslashes into secrets."""
    return repr(answer).replace("\\", "")


def printed(state: Path) -> dict[str, str]:
    """What commands print that read the store themselves, in a process that knows no secret."""
    listed = terminal(state, "traces", "--lines", "100", "--json")
    found = {"traces": listed, "query": terminal(state, "query", "increase(planted) by note over 1h")}
    for command in ("logs --lines 1000 --format json", "logs --lines 1000 --level error", "store info"):
        found[command] = terminal(state, *command.split())
    for one in json.loads(listed)["traces"]:
        found[f"trace {one['trace_id']}"] = terminal(state, "traces", one["trace_id"], "--json")
    return found


def terminal(state: Path, *command: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        status = main([*command, "--state-dir", str(state)])
    assert status in (0, 1), (command, out.getvalue())
    return out.getvalue()


def files(state: Path) -> dict[str, str]:
    """Every file of the state directory as it lies there: what SQLite has yet to put in its place, and the spool."""
    found = {}
    for path in state.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            packed = [inflated(content[at.start() :]) for at in ZLIB.finditer(content)]
            found[f"file {path.relative_to(state)}"] = b"".join([content, *packed]).decode("latin-1")
    return found


def inflated(content: bytes) -> bytes:
    """What is compressed at the start of it, if anything is."""
    try:
        return zlib.decompressobj().decompress(content)
    except zlib.error:
        return b""


def rows(path: Path) -> dict[str, str]:
    """All that a store holds, by table; the index of texts has what the logs' own tables have."""
    found = {}
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            values = [value for row in database.execute(f'SELECT * FROM "{table}"') for value in row]
            found[f"table {table}"] = "\n".join(map(plain, values))
    return found


def plain(value: object) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return unpacked(value)
    except (ValueError, zlib.error):
        return value.decode("latin-1")


def written(directory: Path, files: str) -> str:
    return "".join(file.read_text() for file in sorted(directory.glob(files)))


async def url_of(bot: asyncio.subprocess.Process, directory: Path) -> str:
    while not (directory / "url").exists():
        if bot.returncode is not None:
            assert bot.stderr is not None
            pytest.fail((await bot.stderr.read()).decode())
        await asyncio.sleep(0.05)
    return (directory / "url").read_text()


async def page_with(url: str, part: str, headers: Mapping[str, str] | None = None) -> str:
    """A page, once it has this in it."""
    async with aiohttp.ClientSession(headers=headers) as session:
        while True:
            async with session.get(url) as response:
                text = await response.text()
            if part in text:
                return text
            await asyncio.sleep(0.05)
