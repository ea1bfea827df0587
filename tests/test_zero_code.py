"""A bot that knows nothing of us, run by `whisperwatch run`: every message is one trace, and every error that the bot
swallows is counted once."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from whisperwatch.demo.backends.llm import LanguageModel
from whisperwatch.demo.backends.ports import free_port
from whisperwatch.demo.loopback import GuildPlan, LoopbackDiscord

PROGRAM = Path(__file__).with_name("zero_code_bot.py")
PATIENCE_S = 60
URL_LINE = "http://127.0.0.1:"
COUNTED = "bot_errors_total{"


@dataclass
class Collector:
    """Keeps the spans and the logs that come."""

    url: str = ""
    spans: list[Any] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.path == "/v1/traces":
            taken = ExportTraceServiceRequest.FromString(body)
            self.spans += [s for r in taken.resource_spans for scope in r.scope_spans for s in scope.spans]
        elif request.path == "/v1/logs":
            told = ExportLogsServiceRequest.FromString(body)
            self.logs += [(scope.scope.name, log) for r in told.resource_logs for scope in r.scope_logs
                          for log in scope.log_records]  # fmt: skip
        return web.Response(content_type="application/x-protobuf")

    def roots(self) -> list[Any]:
        return [span for span in self.spans if not span.parent_span_id and span.name == "message"]


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
async def model() -> AsyncIterator[LanguageModel]:
    made = LanguageModel()
    made.temper.first_token_s = made.temper.token_s = 0.001
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def discord() -> AsyncIterator[LoopbackDiscord]:
    async with LoopbackDiscord([GuildPlan("Guild", ("general",), (), "owner")], people=["ada"]) as server:
        yield server


async def test_every_message_is_a_trace_and_every_swallowed_error_counts_once(
    discord: LoopbackDiscord, collector: Collector, model: LanguageModel, tmp_path: Path
) -> None:
    port = free_port()
    environment = {
        "PATH": "/usr/bin:/bin",
        **model.environment(),
        "DISCORD_PORT": str(discord.port),
        "DISCORD_TOKEN": discord.token,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100ms",
        "OTEL_BLRP_SCHEDULE_DELAY": "100ms",
        "HEALTH_CHECK_PORT": str(port),
        "WHISPERWATCH_STATE_DIR": str(tmp_path / "state"),
        "WHISPERWATCH_LINGER": "1s",
    }
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "whisperwatch", "run", str(PROGRAM), cwd=tmp_path, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            await page(f"http://127.0.0.1:{port}/metrics", "discord_", bot)
            answers = await talk(discord, model)
            while len(collector.roots()) < len(answers):  # noqa: ASYNC110 - they come from another process
                await asyncio.sleep(0.05)
            text = await page(f"http://127.0.0.1:{port}/metrics", 'bot_error_category="system"', bot)
            while errors_of(text).total() < 6:
                await asyncio.sleep(0.1)
                text = await page(f"http://127.0.0.1:{port}/metrics", COUNTED, bot)
            bot.send_signal(signal.SIGINT)
            _, err = await bot.communicate()
    finally:
        if bot.returncode is None:
            bot.kill()
            await bot.communicate()
    assert answers == ["answer", "excuse", "answer", "excuse", "Hm.", "excuse", "Hm.", "broken"]
    # every message one trace, with one root
    roots = collector.roots()
    assert len(roots) == len({span.trace_id for span in roots}) == len(answers)
    # every swallowed error once, whoever logged it, or nobody; the bug too
    assert errors_of(text) == {("ai", "llm"): 5, ("system", "bot"): 1}, err.decode()
    # and each of them is one record that says its kind, on the trace of its message
    told = [
        (name, log, attributes(log))
        for name, log in collector.logs
        if "bot.error.category" in attributes(log)
    ]
    kinds = Counter((said["bot.error.category"], said["bot.component"]) for _, _, said in told)
    assert kinds == errors_of(text)
    assert {log.trace_id for _, log, _ in told} <= {span.trace_id for span in roots}
    assert len({log.trace_id for _, log, _ in told}) == 6
    # what the bot logs arrives once, and its own log has it as without us
    own = (tmp_path / "bot.log").read_text().splitlines()
    assert sum("Error generating a response" in line for line in own) == 3
    assert sum("Error generating a response" in log.body.string_value for _, log in collector.logs) == 3
    assert sum(log.body.string_value.startswith("answering in ") for _, log in collector.logs) == 3
    assert {name for name, log in collector.logs if log.body.string_value.startswith("answering")} == {
        "mybot.brain"
    }


async def talk(discord: LoopbackDiscord, model: LanguageModel) -> list[str]:
    """Messages, some of which the model fails at; what was answered to each, in a word."""
    ada = discord.user("ada")
    answers = []
    for text, fails in (
        ("hello there", False), ("how are you", True), ("!ask about cats", False), ("!ask about dogs", True),
        ("!quiet please", True), ("and now", True), ("!quiet again", True), ("!broken", False),
    ):  # fmt: skip
        model.temper.fail_next = int(fails)
        reply = await discord.reply_to(await ada.say(text), timeout=PATIENCE_S)
        answers.append(word(reply.content))
    return answers


def word(content: str) -> str:
    return {
        "Something went wrong.": "excuse", "Hm.": "Hm.", "Something went wrong with that command.": "broken",
    }.get(content, "answer")  # fmt: skip


def attributes(log: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in log.attributes}


def errors_of(text: str) -> Counter[tuple[str, str]]:
    """bot.errors by category and component, of a page of metrics."""
    found: Counter[tuple[str, str]] = Counter()
    for line in text.splitlines():
        if line.startswith(COUNTED):
            labels = dict(part.split("=", 1) for part in line[len(COUNTED) : line.index("}")].split(","))
            key = labels["bot_error_category"].strip('"'), labels["bot_component"].strip('"')
            found[key] += int(float(line.rpartition(" ")[2]))
    return +found


async def page(url: str, part: str, bot: asyncio.subprocess.Process) -> str:
    """A page, once it is there and has this in it."""
    async with aiohttp.ClientSession() as session:
        while True:
            if bot.returncode is not None:
                assert bot.stderr is not None
                pytest.fail((await bot.stderr.read()).decode())
            try:
                async with session.get(url) as response:
                    text = await response.text()
                if part in text:
                    return text
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
