"""The demo's bot on the real stack: a message's way through it, and what admins are answered from it.

The collector sends traces to a sink here, which passes them on to a Tempo where one is named; then commands that are
about traces are answered from that.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.demo.test_answers import (
    ADMINS,
    DEADLINE_S,
    FOREIGN,
    NONSENSE,
    Scene,
    ask_everything,
    calls,
    counted,
    handled,
    text,
    until_told,
)
from tests.stack.otlp import Sink, plain
from tests.stack.programs import PROJECT, Stack
from tests.stack.test_dashboards import TEMPO, get

from whisperwatch import semconv
from whisperwatch.demo.loopback import GuildPlan
from whisperwatch.demo.loopback.bodies import check
from whisperwatch.demo.people import People
from whisperwatch.demo.stage import Stage
from whisperwatch.watcher.naming import label_name

SERVICE = "on-the-stack"
ACT_S = 8.0
PATIENCE_S = 90.0
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Played:
    """The demo after the people have left, and the servers."""

    scene: Scene
    sink: Sink
    prometheus: str
    loki: str

    def ask(self, path: str, **query: Any) -> Any:
        """Of Prometheus."""
        return get(f"{self.prometheus}/api/v1/{path}", query)["data"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    own = Stack(stack.programs, tmp_path_factory.mktemp("demo"))  # the other collector's disk is its own
    sink, stage = Sink(beyond=os.environ.get("WHISPERWATCH_TEST_TEMPO_OTLP")), Stage([].append)
    people = [stage.discord.user(name) for name in ADMINS]
    stage.discord.core.answer_deadline = DEADLINE_S
    stage.settings |= {
        "OTEL_SERVICE_NAME": SERVICE,
        "OTEL_EXPORTER_OTLP_ENDPOINT": own.start_collector(
            PROMETHEUS_OTLP=f"{stack.prometheus}/api/v1/otlp/v1/metrics",
            LOKI_OTLP=f"{stack.loki}/otlp/v1/logs",
            TEMPO_OTLP=f"{sink.url}/v1/traces",
        ),
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "PROMETHEUS_URL": stack.prometheus,
        "LOKI_URL": stack.loki,
        "ADMIN_USER_IDS": ",".join(str(one.id) for one in people),
        **({"TEMPO_URL": TEMPO} if TEMPO else {}),
    }
    async with stage:
        rooms = tuple(f"room-{n}" for n in range(6))
        await stage.discord.add_guild(GuildPlan(FOREIGN, rooms, (), "stranger"))
        users = People(stage.discord, 10, truth=stage.truth)
        await users.come()
        await asyncio.sleep(ACT_S)  # it is what they do in this time
        await users.leave()
        await users.vanish()
        done = await stage.ledgers.read()
        await until_told(stage, f"Answers: {handled(done):,}")
        trace = [SimpleNamespace(trace_id=answered(sink)[0].trace_id.hex())]
        found = Played(Scene(stage, people, done, trace), sink, stack.prometheus, stack.loki)  # type: ignore[arg-type]
        await ask_everything(found.scene)
        yield found
    own.stop()
    sink.stop()


def answered(sink: Sink) -> list[Any]:
    """The spans of a message that the language model answered, with the fewest spans."""
    traces: dict[bytes, list[Any]] = {}
    for span in sink.spans():
        traces.setdefault(span.trace_id, []).append(span)
    whole = [spans for spans in traces.values() if libraries(spans) >= {"bot", "llm", "sql", "rest"}]
    return min(whole, key=len)


def libraries(spans: list[Any]) -> set[str]:
    found = set()
    for span in spans:
        attributes = plain(span.attributes)
        if span.name == "message":
            found.add("bot")
        elif semconv.GEN_AI_OPERATION in attributes:
            found.add("llm")
        elif attributes.get("db.system.name") == "postgresql":
            found.add("sql")
        elif semconv.ROUTE in attributes:
            found.add("rest")
    return found


# --- a message's way ----------------------------------------------------------------------------------------------


async def test_a_trace_leaves_the_collector_complete(played: Played) -> None:
    spans = answered(played.sink)
    ids = {span.span_id for span in spans}
    assert len(ids) == len(spans)
    (root,) = [span for span in spans if not span.parent_span_id]
    assert root.name == "message"
    assert all(span.parent_span_id in ids for span in spans if span is not root)


async def test_its_records_carry_its_id(played: Played) -> None:
    """And each record's trace is one that left the collector."""
    query = f'{{service_name="{SERVICE}"}} | trace_id != ""'
    now = time.time_ns()
    told = await asyncio.to_thread(
        get, f"{played.loki}/loki/api/v1/query_range",
        {"query": query, "start": now - 600 * 10**9, "end": now, "limit": 1000},
    )  # fmt: skip
    found = {stream["stream"]["trace_id"] for stream in told["data"]["result"]}
    sent = {span.trace_id.hex() for span in played.sink.spans()}
    assert found
    assert found <= sent


async def test_exemplars_lead_from_latency_to_a_trace(played: Played) -> None:
    query = f'discord_message_response_duration_seconds_bucket{{job="{SERVICE}"}}'
    told = await asyncio.to_thread(
        played.ask, "query_exemplars", query=query, start=time.time() - 600, end=time.time()
    )
    found = {one["labels"]["trace_id"] for series in told for one in series["exemplars"]}
    assert found
    assert found <= {span.trace_id.hex() for span in played.sink.spans()}


# --- what admins are answered -------------------------------------------------------------------------------------


async def test_every_command_answers_from_the_stack(played: Played) -> None:
    scene = played.scene
    for asked in scene.asked.values():
        for message in asked.answers:
            check(message)
            title = message.embeds[0]["title"]
            assert title not in ("❔ Not understood", "❔ No answer") or "dashboard" in asked.said, asked.said
            assert not NONSENSE.search(text(message)), asked.said
    for typed in ("performance", "engagement", "cache", "memory", "performance history --period 24h"):
        assert "prometheus" in json.dumps(scene.asked[typed].answer.embeds[0].get("footer", {})), typed


async def test_the_numbers_are_those_of_the_people(played: Played) -> None:
    done, scene = played.scene.done, played.scene
    told = scene.text("performance")
    failed = sum(count for (_, _, outcome), count in done.commands.items() if outcome == "failure")
    assert counted(told, "Answers") == handled(done)
    assert counted(told, "Failed") == failed
    assert calls(told, "LLM") == done.model_answers
    assert calls(told, "Memory") == sum(done.memories.values())
    assert counted(scene.text("cache"), "Look-ups") == sum(done.lookups.values())
    if TEMPO:
        assert "tempo" in json.dumps(scene.asked["top"].answer.embeds[0]["footer"])
    records = scene.text("logs search oracle --level error")
    assert records.count("command oracle failed") == min(done.commands["oracle", "prefix", "failure"], 20)


# --- names and values ---------------------------------------------------------------------------------------------

QUIET = (
    "discord_command_",
    "discord_message_response_",
    "gen_ai_",
    "bot_memory_",
    "bot_cache_",
    "bot_errors_",
)
"""What begins so changes no more when the people have left."""
PROMOTED = yaml.safe_load((PROJECT / "prometheus" / "prometheus.yml").read_text())["otlp"][
    "promote_resource_attributes"
]
OF_THE_WAY = {"job", "instance", *map(label_name, PROMOTED)}
"""Labels that Prometheus makes of a resource; a scrape has them in `target_info`."""


async def test_names_and_values_are_the_same_on_every_way(played: Played) -> None:
    """At `/metrics`, and through the collector in Prometheus."""

    def differing() -> dict[Any, Any]:
        scraped = dict(samples(played.scene.stage.metrics_url))
        told = played.ask("query", query=f'{{job="{SERVICE}", __name__=~"({"|".join(QUIET)}).+"}}')["result"]
        stored = {key_of(one["metric"]): float(one["value"][1]) for one in told}
        assert len(scraped) > 100
        return {
            key: (scraped.get(key), stored.get(key))
            for key in scraped.keys() | stored.keys()
            if scraped.get(key) != pytest.approx(stored.get(key))
        }

    await until(lambda: not differing(), differing)


async def test_nothing_has_another_name_there(played: Played) -> None:
    """But for what the collector makes of spans, and what rules record."""

    def differing() -> set[str]:
        with urllib.request.urlopen(played.scene.stage.metrics_url, timeout=10) as response:
            families = list(text_string_to_metric_families(response.read().decode()))
        scraped = {sample.name for family in families for sample in family.samples}
        stored = set(played.ask("label/__name__/values", **{"match[]": f'{{job="{SERVICE}"}}'}))
        ours = {name for name in stored if not name.startswith(("traces_", "otelcol_")) and ":" not in name}
        return scraped ^ ours

    await until(lambda: not differing(), differing)


def samples(url: str) -> Iterator[tuple[Any, float]]:
    with urllib.request.urlopen(url, timeout=10) as response:
        families = text_string_to_metric_families(response.read().decode())
    for family in families:
        for sample in family.samples:
            if sample.name.startswith(QUIET):
                yield key_of({"__name__": sample.name, **sample.labels}), sample.value


def key_of(labels: dict[str, str]) -> Any:
    """A series without what tells one way from another; bounds are numbers, however they are written."""
    own = {key: value for key, value in labels.items() if key not in OF_THE_WAY}
    if "le" in own:
        own["le"] = str(float(own["le"]))
    return tuple(sorted(own.items()))


async def until(condition: Callable[[], bool], otherwise: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, otherwise()
        await asyncio.sleep(0.5)
