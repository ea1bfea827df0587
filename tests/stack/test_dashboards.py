"""Every expression of every dashboard, asked of the real Prometheus and Loki (and of a Tempo, where one is named) after
the demo's traffic: none fails, and all but those that the demo has nothing for find something."""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

import pytest
import pytest_asyncio
import yaml
from tests.grafana.conftest import FILES, PROJECT, dashboard
from tests.stack.programs import Stack

from whisperwatch.demo import faults
from whisperwatch.demo.people import People
from whisperwatch.demo.stage import Stage

TEMPO = os.environ.get("WHISPERWATCH_TEST_TEMPO")
PATIENCE_S = 300.0
NOTHING_OF_IT = {
    "commands/Jobs/*": "the demo has no queue of jobs",
    "engagement/Messages in one/A": "conversations end after half an hour",
    "engagement/Length of one/A": "conversations end after half an hour",
    "monitor/Failures of its own/A": "Whisperwatch doesn't fail in the demo",
    "monitor/Secrets taken out/A": "the demo logs no secrets",
    "monitor/Attribute sets that were too many/A": "the demo has few",
    "databases/Failed calls, by error/A": "no call to a database fails in the demo",
    "memory/Memory operations/C": "no operation of the memory fails in the demo",
}
"""Those that the demo has nothing for, with the reason."""
NO_TRACES = {"host/HTTP to other servers, P95/A": "a model's requests are in the model's spans"}
COMPONENTS = {"system", "llm", "database", "memory", "cache", "discord", "tasks", "security", "monitor"}
LEAST = {"overview/Components/A": len(COMPONENTS)}
"""How many series there have to be, where one is not enough."""
FILLED = {
    "$__rate_interval": "1m", "$__range": "10m", "$__interval": "2m", "$service": "companion", "$name": "companion",
    "$instance": ".*", "$shard": ".*", "$component": ".*",
}  # fmt: skip
"""What Grafana puts in: variables, and windows for a source whose samples are 15 s apart."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Asked:
    """One query of a panel, filled in. `name`: the dashboard's file, the panel's title, the query's letter."""

    name: str
    source: str
    text: str
    instant: bool
    exemplars: bool


@dataclass
class Shown:
    """The servers after the demo's traffic, and what each expression found."""

    prometheus: str
    loki: str
    found: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def ask(self, asked: Asked) -> bool:
        """Whether it finds anything."""
        try:
            found = list(self._answer(asked))
        except urllib.error.HTTPError as error:
            self.wrong[asked.name] = f"{error.read().decode()}\n{asked.text}"
            return True
        enough = len(found) >= LEAST.get(asked.name, 1)
        if enough:
            self.found[asked.name] = found
        return enough

    def _answer(self, asked: Asked) -> Iterator[Any]:
        if asked.source == "tempo":
            query = {"q": asked.text, "start": int(time.time() - 600), "end": int(time.time())}
            yield from get(f"{TEMPO}/api/search", query)["traces"]
            return
        api = f"{self.loki}/loki/api/v1" if asked.source == "loki" else f"{self.prometheus}/api/v1"
        for one in ask(api, asked.text, asked.instant):
            values = one["values"] if "values" in one else [one["value"]]
            if "stream" in one or any(math.isfinite(float(value)) for _, value in values):
                yield one


def queries() -> Iterator[Asked]:
    for path in FILES:
        for panel in dashboard(path)["panels"]:
            for target in panel.get("targets", ()):
                yield Asked(
                    f"{path.stem}/{panel['title']}/{target['refId']}",
                    target["datasource"]["uid"],
                    filled(target.get("expr", target.get("query"))),
                    target.get("instant", False) or target.get("queryType") == "instant",
                    target.get("exemplar", False),
                )


def filled(text: str) -> str:
    for variable, value in FILLED.items():
        text = text.replace(variable, value)
    return text


def expected(asked: Asked) -> bool:
    if asked.source == "tempo" and TEMPO is None:
        return False
    return not any(fnmatch(asked.name, pattern) for pattern in NOTHING_OF_IT)


def ask(api: str, text: str, instant: bool) -> list[Mapping[str, Any]]:
    now = time.time()
    if instant:
        told = get(f"{api}/query", {"query": text, "time": now})
    else:
        told = get(f"{api}/query_range", {"query": text, "start": now - 300, "end": now, "step": 15})
    found: list[Mapping[str, Any]] = told["data"]["result"]
    return found


def get(url: str, query: Mapping[str, Any]) -> Any:
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(query, doseq=True)}", timeout=30) as response:
        return json.load(response)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(stack: Stack) -> AsyncIterator[Shown]:
    """The demo lives on until everything that is expected has been found."""
    found = Shown(stack.prometheus, stack.loki)
    stage = Stage(lambda line: None)
    stage.settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = stack.collector
    async with stage:
        people = People(stage.discord, 12, truth=stage.truth, pause_s=0.8)
        wrong = ("429", "cut", "llm", "rest-errors")
        playing = asyncio.create_task(faults.play(wrong, stage.discord, stage.model, lambda note: None))
        await people.come()
        try:
            await until_found(found)
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
            await people.vanish()
    yield found


async def until_found(found: Shown) -> None:
    left = [one for one in queries() if expected(one)]
    deadline = time.monotonic() + PATIENCE_S
    while left and time.monotonic() < deadline:
        left = [one for one in left if not await asyncio.to_thread(found.ask, one)]
        await asyncio.sleep(1)


async def test_every_expression_finds_something(shown: Shown) -> None:
    assert shown.wrong == {}
    missing = [
        f"{one.name}: {one.text}" for one in queries() if expected(one) and one.name not in shown.found
    ]
    assert missing == []


async def test_those_that_can_find_nothing_are_understood_all_the_same(shown: Shown) -> None:
    for one in queries():
        if one.source != "tempo" and not expected(one):
            await asyncio.to_thread(shown.ask, one)
    assert shown.wrong == {}


async def test_what_is_excused_is_there() -> None:
    names = [one.name for one in queries()]
    assert [
        one for one in (*NOTHING_OF_IT, *NO_TRACES) if not any(fnmatch(name, one) for name in names)
    ] == []


async def test_all_components_are_on_the_overview(shown: Shown) -> None:
    told = shown.found["overview/Components/A"]
    assert {one["metric"]["whisperwatch_component_name"] for one in told} == COMPONENTS


async def test_exemplars_lead_to_traces(shown: Shown) -> None:
    """By the label that the data source's `exemplarTraceIdDestinations` names, and of the same trace as the logs."""
    label = source("prometheus")["exemplarTraceIdDestinations"][0]["name"]
    for one in (one for one in queries() if one.exemplars and expected(one) and one.name not in NO_TRACES):
        now = time.time()
        told = get(
            f"{shown.prometheus}/api/v1/query_exemplars", {"query": one.text, "start": now - 600, "end": now}
        )
        traces = {found["labels"].get(label) for series in told["data"] for found in series["exemplars"]}
        assert traces, one.name
        assert all(trace and len(trace) == 32 for trace in traces), one.name


async def test_records_lead_to_traces_and_back(shown: Shown) -> None:
    """By the label that `derivedFields` names; and what Tempo's data source asks for a trace finds its records."""
    label = source("loki")["derivedFields"][0]["matcherRegex"]
    records = shown.found["errors/Newest errors and warnings/A"]
    trace = next(one["stream"][label] for one in records if label in one["stream"])
    back = source("tempo")["tracesToLogsV2"]
    query = with_tags(back["query"], back["tags"]).replace("$${__trace.traceId}", trace)
    assert await asyncio.to_thread(ask, f"{shown.loki}/loki/api/v1", query, False)


async def test_spans_lead_to_metrics(shown: Shown) -> None:
    leads = source("tempo")["tracesToMetrics"]
    for one in leads["queries"]:
        query = with_tags(one["query"], leads["tags"])
        assert await asyncio.to_thread(ask, f"{shown.prometheus}/api/v1", query, False), query


async def test_releases_are_marked(shown: Shown) -> None:
    text = filled(dashboard(FILES[0])["annotations"]["list"][-1]["expr"])
    (release,) = await asyncio.to_thread(ask, f"{shown.prometheus}/api/v1", text, False)
    assert release["metric"]["service_version"]


async def test_variables_have_choices(shown: Shown) -> None:
    for path in FILES:
        for variable in dashboard(path)["templating"]["list"]:
            if variable["type"] == "query":
                series, label = (
                    variable["query"]["query"].removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
                )
                told = get(f"{shown.prometheus}/api/v1/label/{label}/values", {"match[]": filled(series)})
                assert told["data"], variable["name"]


@pytest.mark.skipif(TEMPO is None, reason="no Tempo is named")
async def test_traceql_finds_traces(shown: Shown) -> None:
    asked = [one.name for one in queries() if one.source == "tempo"]
    assert asked
    assert [name for name in asked if name not in shown.found] == []


def source(uid: str) -> Any:
    text = (PROJECT / "grafana" / "provisioning" / "datasources" / "whisperwatch.yaml").read_text()
    return next(one["jsonData"] for one in yaml.safe_load(text)["datasources"] if one["uid"] == uid)


def with_tags(text: str, tags: list[dict[str, str]]) -> str:
    """As Grafana fills in a span's tags."""
    assert [tag["key"] for tag in tags] == ["service.name"]
    ours = f'{tags[0]["value"]}="companion"'
    return text.replace("$${__tags}", ours).replace("$$__tags", ours)
