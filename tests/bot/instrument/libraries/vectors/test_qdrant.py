"""Qdrant: the clients' local mode, and, for what goes over HTTP, a server that answers as Qdrant documents it.

No Qdrant server comes as a package: that the real one answers so is not tested here.
"""

from __future__ import annotations

import json

import pytest
from aiohttp import web
from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.instrument.libraries.vectors.operations import IN_PROCESS

SECRET = "a secret of ada's"
STATED = {"db.system.name": "qdrant", "db.namespace": "", "db.collection.name": "memories"}


@pytest.fixture(scope="module", autouse=True)
def library():
    """Takes seconds to import: of the workers, who all collect this file, only the one that runs it needs it."""
    global AsyncQdrantClient, QdrantClient, exceptions, models
    from qdrant_client import AsyncQdrantClient, QdrantClient, models
    from qdrant_client.http import exceptions


def size():
    return models.VectorParams(size=2, distance=models.Distance.DOT)


def points():
    return [
        models.PointStruct(id=number, vector=[1.0, float(number)], payload={"said": SECRET})
        for number in range(3)
    ]


def shown(records):
    hidden = {"name", "kind", "failed", "id", "parent", "trace", "events", semconv.SERVER_PORT}
    return [
        (span["name"], {key: value for key, value in span.items() if key not in hidden})
        for span in records.spans()
        if semconv.DB_SYSTEM in span
    ]


def about(operation, address=IN_PROCESS, **more):
    return (
        f"{operation} memories",
        {**STATED, "server.address": address, "db.operation.name": operation, **more},
    )


STORED = {"bot.memory.operation": "store", "db.operation.batch.size": 3}
FOUND = {"bot.memory.operation": "retrieve", "db.response.returned_rows": 2,
         "bot.memory.score.max": 3.0, "bot.memory.score.mean": 2.5}  # fmt: skip


@pytest.fixture
def client(records):
    opened = QdrantClient(":memory:")
    opened.create_collection("memories", size())
    yield opened
    opened.close()


@pytest.fixture
async def async_client(records):
    opened = AsyncQdrantClient(":memory:")
    await opened.create_collection("memories", size())
    yield opened
    await opened.close()


def test_the_sync_client(client, records):
    client.upsert("memories", points())
    client.query_points("memories", query=[1.0, 1.0], limit=2)
    client.query_batch_points("memories", [models.QueryRequest(query=[1.0, 1.0], limit=2)])
    client.query_points_groups("memories", group_by="said", query=[1.0, 1.0], group_size=2)
    client.retrieve("memories", ids=[1, 2])
    client.scroll("memories", limit=2)
    client.count("memories")
    client.set_payload("memories", payload={"said": SECRET}, points=[1])
    client.delete("memories", points_selector=[1])
    client.upload_points("memories", iter(points()))
    seen = shown(records)
    rows = {"db.response.returned_rows": 2}
    assert seen == [
        about("upsert", **STORED),
        about("query", **FOUND),
        about("query_batch", **FOUND),
        about("query_groups", **FOUND),
        about("get", **rows),
        about("scroll", **rows),
        about("count"),
        about("set_payload"),
        about("delete"),
        about("upload", **{"bot.memory.operation": "store"}),
    ]
    assert "ada" not in json.dumps(seen)
    assert sum(records.cells(semconv.DB_DURATION).values()) == 10
    assert records.endpoints() == [("qdrant", {"embedded": True})]


async def test_the_async_client_below_what_called_it(async_client, records):
    with trace.get_tracer("bot").start_as_current_span("command"):
        await async_client.upsert(
            "memories", points=models.Batch(ids=[1, 2], vectors=[[1.0, 1.0], [1.0, 2.0]])
        )
        found = await async_client.query_points(collection_name="memories", query=[1.0, 1.0])
    assert [point.score for point in found.points] == [3.0, 2.0]
    spans = {span["name"]: span for span in records.spans()}
    assert {span["parent"] for span in spans.values()} == {0, spans["command"]["id"]}
    assert spans["upsert memories"]["db.operation.batch.size"] == 2
    assert spans["query memories"]["bot.memory.score.max"] == 3.0


async def test_a_failure_is_the_clients_own(async_client, client, records):
    with pytest.raises(ValueError, match="not found"):
        client.query_points("none", query=[1.0, 1.0])
    with pytest.raises(ValueError, match="not found"):
        await async_client.query_points("none", query=[1.0, 1.0])
    assert [attributes["error.type"] for _, attributes in shown(records)] == ["ValueError", "ValueError"]


@pytest.fixture
async def served(records):
    """A server with one answer for queries, and a refusal for the collection `full`."""

    async def answer(request):
        if request.match_info["name"] == "full":
            return web.json_response({"status": {"error": SECRET}, "time": 0.1}, status=507)
        assert request.headers["api-key"] == "key"
        points = [{"id": number, "version": 1, "score": score} for number, score in ((1, 3.0), (2, 2.0))]
        return web.json_response({"result": {"points": points}, "status": "ok", "time": 0.01})

    app = web.Application()
    app.router.add_post("/collections/{name}/points/query", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
async def test_over_http(served, records):
    client = AsyncQdrantClient(
        served, api_key="key", headers={"x-team": "a"}, check_compatibility=False, prefer_grpc=False
    )
    await client.query_points("memories", query=[1.0, 1.0])
    with pytest.raises(exceptions.UnexpectedResponse):
        await client.query_points("full", query=[1.0, 1.0])
    await client.close()
    (_, found), (name, failed) = shown(records)
    assert ("query memories", found) == about("query", "127.0.0.1", **FOUND)
    assert name == "query full"
    assert failed["error.type"] == "qdrant_client.http.exceptions.UnexpectedResponse"
    assert records.endpoints() == [("qdrant", {"url": served, "api_key": "key", "header x-team": "a"})]


def test_undone_it_is_qdrant_as_it_was(client, records):
    registry.undo()
    client.count("memories")
    assert shown(records) == []
    assert "whisperwatch" not in QdrantClient.query_points.__code__.co_filename
