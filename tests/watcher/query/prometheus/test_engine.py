"""The engine before a server that answers as Prometheus may: what it asks, and what it makes of answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from whisperwatch import semconv
from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.engines import EngineError, Incomplete
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.query.prometheus.engine import Prometheus
from whisperwatch.watcher.query.prometheus.rendering import exact

GRID = Grid(600, 1200, 300, 300)
COMMANDS = Measure("increase", semconv.COMMAND_DURATION.name, (), (semconv.COMMAND, "service.instance.id"))


def matrix(*series: tuple[dict[str, str], list[Any]], **more: Any) -> str:
    result = [{"metric": labels, "values": values} for labels, values in series]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}, **more})


async def ask(client: Any, measure: Measure = COMMANDS, grid: Grid = GRID, ours: str | None = None) -> Any:
    return await Prometheus(client, ours).measure(measure, DECLARED[measure.metric], grid)


async def test_groups_are_named_as_the_question_named_them(store, client):
    labels = {"discord_command_name": "ask", "instance": "one"}
    store.says(matrix((labels, [[600, "1"], [900, "2.5"]]), ({"instance": "two"}, [[900.0, "3e2"]])))
    assert await ask(client(store.url), ours='job="x"') == [
        Series({semconv.COMMAND: "ask", "service.instance.id": "one"}, ((600, 1.0), (900, 2.5))),
        Series({semconv.COMMAND: "", "service.instance.id": "two"}, ((900, 300.0),)),
    ]
    ((method, path, _, _, form),) = store.requests
    assert (method, path) == ("POST", "/api/v1/query_range")
    query = exact(COMMANDS, DECLARED[COMMANDS.metric], 300, 'job="x"')
    assert form == {"query": query, "start": "600", "end": "1200", "step": "300"}


async def test_what_is_no_number_is_no_point(store, client):
    store.says(matrix(({}, [[600, "NaN"], [900, "+Inf"], [1200, "-Inf"]]), ({"instance": "a"}, [[600, "0"]])))
    (series,) = await ask(client(store.url))
    assert series.points == ((600, 0.0),)


async def test_several_quantiles_take_one_question(store, client):
    store.says(matrix(({"le": "0.5"}, [[600, "3"]]), ({"le": "+Inf"}, [[600, "4"]])))
    measure = Measure("quantile", "discord.command.duration")
    metric = DECLARED[measure.metric]
    found = await Prometheus(client(store.url)).quantiles(measure, (0.25, 0.75, 0.99), metric, GRID)
    assert [one.points for (one,) in found] == [((600, 0.5 / 3),), ((600, 0.5),), ((600, 0.5),)]
    assert len(store.requests) == 1


async def test_buckets_without_a_bound_are_rubbish(store, client):
    store.says(matrix(({"le": "many"}, [[600, "3"]])))
    with pytest.raises(EngineError, match="other JSON than Prometheus"):
        await ask(client(store.url), Measure("quantile", "discord.command.duration", quantile=0.5))


async def test_nothing(store, client):
    store.says(matrix())
    assert await ask(client(store.url)) == []


async def test_a_long_question_is_asked_in_parts(store, client):
    async def answer(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        times = range(int(str(form["start"])), int(str(form["end"])) + 1, int(str(form["step"])))
        assert len(times) <= 11_000
        return web.Response(text=matrix(({}, [[at, "1"] for at in times])), content_type="application/json")

    store.answer = answer
    grid = Grid(0, 25_000 * 15, 15, 60)
    (series,) = await ask(client(store.url), grid=grid)
    assert [at for at, _ in series.points] == list(grid)
    assert len(store.requests) == 3


async def test_what_a_store_warns_of_is_with_the_answer(store, client):
    """Thanos answers what it has when some of its stores don't."""
    store.says(matrix(({}, [[600, "1"]]), warnings=["store 2 is down", "store 2 is down"], infos=["a hint"]))
    found = await ask(client(store.url))
    assert isinstance(found, Incomplete)
    assert found.why == f"Prometheus ({store.url}) warns: store 2 is down"
    assert [one.points for one in found] == [((600, 1.0),)]


@pytest.mark.parametrize(
    "body",
    [
        "[]", "null", "1", "{}", '{"status": "success"}', '{"status": "success", "data": null}',
        '{"status": "success", "data": {"resultType": "vector", "result": []}}',
        '{"status": "success", "data": {"resultType": "matrix", "result": [1]}}',
        '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}}]}}',
        '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "x"]]}]}}',
        '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": [], "values": [[1, "1"]]}]}}',
        '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [1]}]}}',
    ],
)  # fmt: skip
async def test_other_json_than_the_apis(store, client, body):
    store.says(body)
    with pytest.raises(EngineError, match="other JSON than Prometheus' API: is it one"):
        await ask(client(store.url))


async def test_what_prometheus_says_of_its_own_failure(store, client):
    store.says('{"status": "error", "errorType": "timeout", "error": "query timed out"}', 503)
    with pytest.raises(EngineError, match=r"answered 503: query timed out"):
        await ask(client(store.url))


LONG = Grid(36_000, 36_000, 7200, 7200)


async def test_a_long_window_without_starts_is_asked_whole(store, client):
    store.says(matrix(({"instance": "one"}, [])))
    await ask(client(store.url), grid=LONG)
    asked = [form["query"] for _, _, _, _, form in store.requests]
    assert len(asked) == 2
    assert "bot_start_time_seconds" in asked[0]
    assert asked[1] == exact(COMMANDS, DECLARED[COMMANDS.metric], 7200)


async def test_who_lived_is_asked_once_for_all(store, client):
    """Nobody came or went: all that is asked then takes a look at both ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        times = range(int(str(form["start"])), int(str(form["end"])) + 1, int(str(form["step"])))
        if "bot_start_time_seconds" in str(form["query"]):
            text = matrix(({}, [[at, "0"] for at in times]), warnings=["store 2 is down"])
        else:
            value = "7" if times[0] == LONG.last else "-5"
            parts = range(str(form["query"]).count("label_replace"))
            text = matrix(*[({"whisperwatch_part": str(part)}, [[times[0], value]]) for part in parts])
        return web.Response(text=text, content_type="application/json")

    store.answer = answer
    engine = Prometheus(client(store.url))
    metric = DECLARED[COMMANDS.metric]
    measures = [Measure(function, metric.name) for function in ("increase", "rate", "sum", "avg")]
    found = await asyncio.gather(*[engine.measure(one, metric, LONG) for one in measures])
    assert [series.points for (series,) in found] == [
        ((36_000, 2.0),), ((36_000, 2 / 7200),), ((36_000, 2.0),), ((36_000, 1.0),),
    ]  # fmt: skip
    assert len(store.requests) == 3
    assert all(isinstance(one, Incomplete) and "store 2 is down" in one.why for one in found)


@pytest.mark.parametrize(("window", "requests"), [(900, 1), (7200, 2)])
async def test_only_what_looks_at_little_goes_together(store, client, window, requests):
    """Parts of one request are answered one after the other: slow ones would take too long."""

    async def answer(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        parts = range(max(1, str(form["query"]).count("label_replace")))
        text = matrix(*[({"whisperwatch_part": str(part)}, [[36_000, "1"]]) for part in parts])
        return web.Response(text=text, content_type="application/json")

    store.answer = answer
    engine = Prometheus(client(store.url))
    metric = DECLARED[semconv.SHARD_GUILDS.name]
    measures = [Measure(function, metric.name) for function in ("max", "min")]
    grid = Grid(36_000, 36_000, window, window)
    found = await asyncio.gather(*[engine.measure(one, metric, grid) for one in measures])
    assert [series.points for (series,) in found] == [((36_000, 1.0),)] * 2
    assert len(store.requests) == requests


async def test_rubbish_about_starts(store, client):
    async def answer(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        told = '{"data": {"resultType": "vector"}}' if "time" in form else matrix(({}, [[36_000, "1"]]))
        return web.Response(text=told, content_type="application/json")

    store.answer = answer
    with pytest.raises(EngineError, match="other JSON than Prometheus' API: is it one"):
        await ask(client(store.url), grid=LONG)
