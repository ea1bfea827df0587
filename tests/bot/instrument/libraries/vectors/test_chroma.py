"""Chroma: a real server, asked by the sync and the async client, and the store in the process."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import chromadb
import pytest
import pytest_asyncio
from chromadb.api.models.AsyncCollection import AsyncCollection
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings
from chromadb.errors import DuplicateIDError, NotFoundError
from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.instrument.libraries.vectors import chroma as watched
from whisperwatch.bot.instrument.libraries.vectors import operations
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.demo.backends.chroma import Chroma
from whisperwatch.demo.home import Home

VECTORS = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
SECRET = "a secret of ada's"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url():
    async with Home() as home:
        server = Chroma(home)
        await server.start()
        yield server.url
        await server.stop()


@pytest.fixture
async def memories(records, url):
    where = urlsplit(url)
    settings = Settings(anonymized_telemetry=False)
    client = await chromadb.AsyncHttpClient(where.hostname, where.port, settings=settings)
    collection = await client.get_or_create_collection("memories", embedding_function=None)
    yield collection
    await client.delete_collection("memories")


@pytest.fixture
def sync_memories(records, url):
    where = urlsplit(url)
    client = chromadb.HttpClient(where.hostname, where.port, settings=Settings(anonymized_telemetry=False))
    yield client.get_or_create_collection("sync", embedding_function=None)
    client.delete_collection("sync")


@pytest.fixture
def own_memories(records):
    client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
    yield client.get_or_create_collection("own", embedding_function=None)
    client.delete_collection("own")


def shown(records):
    """Spans of vector stores as (name, kind, attributes)."""
    hidden = {"name", "kind", "failed", "id", "parent", "trace", "events", semconv.SERVER_PORT}
    return [
        (span["name"], span["kind"], {key: value for key, value in span.items() if key not in hidden})
        for span in records.spans()
        if semconv.DB_SYSTEM in span
    ]


def about(operation, collection="memories", address="127.0.0.1", **more):
    return (
        f"{operation} {collection}",
        2,
        {
            "db.system.name": "chroma", "db.namespace": "default_database", "server.address": address,
            "db.operation.name": operation, "db.collection.name": collection, **more,
        },
    )  # fmt: skip


STORED = {"bot.memory.operation": "store", "db.operation.batch.size": 3}
FOUND = {
    "bot.memory.operation": "retrieve", "db.response.returned_rows": 2, "bot.memory.distance.min": 0.0,
    "bot.memory.distance.mean": 0.5,
}  # fmt: skip


async def test_every_operation_of_the_async_client(memories, records):
    given = {"embeddings": VECTORS, "documents": [SECRET] * 3, "metadatas": [{"who": "ada"}] * 3}
    await memories.add(ids=["ada-1", "ada-2", "ada-3"], **given)
    await memories.upsert(["ada-1", "ada-2", "ada-3"], **given)
    await memories.query(query_embeddings=[[1.0, 0.0]], n_results=2)
    await memories.get(where={"who": "ada"}, limit=2)
    await memories.peek(1)
    await memories.update(ids="ada-1", embeddings=VECTORS[0], documents=SECRET)
    await memories.count()
    await memories.delete(ids=["ada-1"])
    seen = shown(records)
    assert seen == [
        about("add", **STORED),
        about("upsert", **STORED),
        about("query", **FOUND),
        about("get", **{"db.response.returned_rows": 2}),
        about("peek", **{"db.response.returned_rows": 1}),
        about("update", **{"db.operation.batch.size": 1}),
        about("count"),
        about("delete", **{"db.operation.batch.size": 1}),
    ]
    assert "ada" not in json.dumps(seen)
    assert sum(records.cells(semconv.DB_DURATION).values()) == 8


@pytest.mark.parametrize(("kind", "name"), [("sync_memories", "sync"), ("own_memories", "own")])
def test_the_sync_client_and_the_store_in_the_process(request, records, kind, name):
    collection = request.getfixturevalue(kind)
    address = operations.IN_PROCESS if name == "own" else "127.0.0.1"
    collection.add(ids=["1", "2", "3"], embeddings=VECTORS)
    collection.query(query_embeddings=[1.0, 0.0], n_results=2)
    collection.query(query_embeddings=[1.0, 0.0], n_results=2, include=["documents"])
    without = {key: value for key, value in FOUND.items() if "distance" not in key}
    assert shown(records) == [
        about("add", name, address, **STORED),
        about("query", name, address, **FOUND),
        about("query", name, address, **without),
    ]


async def test_a_failure_is_the_clients_own_and_leaves_no_text(memories, records):
    with pytest.raises(DuplicateIDError, match="secret"):
        await memories.add(ids=[SECRET, SECRET], embeddings=VECTORS[:2])
    ((name, _, attributes),) = shown(records)
    assert (name, attributes["error.type"]) == ("add memories", "chromadb.errors.DuplicateIDError")
    assert SECRET not in json.dumps(attributes)


async def test_a_collection_that_is_gone(memories, records, url):
    where = urlsplit(url)
    client = await chromadb.AsyncHttpClient(where.hostname, where.port)
    gone = await client.create_collection("gone", embedding_function=None)
    await client.delete_collection("gone")
    with pytest.raises(NotFoundError):
        await gone.query(query_embeddings=[[1.0, 0.0]])
    (span,) = [span for span in records.spans() if semconv.DB_SYSTEM in span]
    assert span["failed"]
    assert span["error.type"] == "chromadb.errors.NotFoundError"


async def test_a_query_that_is_cancelled(memories, records):
    task = asyncio.create_task(memories.query(query_embeddings=[[1.0, 0.0]]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ((_, _, attributes),) = shown(records)
    assert attributes["error.type"] == "asyncio.exceptions.CancelledError"


async def test_what_runs_for_it_is_below_it_and_it_is_below_what_called_it(own_memories, records):
    tracer = trace.get_tracer("bot")

    class Embedding:
        def __call__(self, input):  # as chromadb names it
            with tracer.start_as_current_span("embedding"):
                return [[1.0, 0.0] for _ in input]

        def embed_query(self, input):
            return self(input)

    own_memories._embedding_function = Embedding()
    with tracer.start_as_current_span("command"):
        own_memories.query(query_texts=[SECRET])
    by_name = {span["name"]: span for span in records.spans()}
    assert by_name["embedding"]["parent"] == by_name["query own"]["id"]
    assert by_name["query own"]["parent"] == by_name["command"]["id"]


def test_names_of_collections_that_are_made_for_users(own_memories, records, monkeypatch):
    monkeypatch.setattr(recorder, "mask", lambda text: text.replace("ada-of-old", "[masked]"))
    client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
    names = [
        "user_123456789012345678",
        "m-3f2b8c1e-0000-4000-8000-123456789abc",
        "year_2026",
        "of_ada-of-old",
    ]
    for name in names:
        client.create_collection(name, embedding_function=None).count()
        client.delete_collection(name)
    assert [span[0] for span in shown(records)] == [
        "count user_#", "count m-#", "count year_2026", "count of_[masked]",
    ]  # fmt: skip
    monkeypatch.setattr(recorder, "mask", str)
    client.create_collection("of_ada-of-old", embedding_function=None).count()
    client.delete_collection("of_ada-of-old")
    assert shown(records)[-1][0] == "count of_ada-of-old", "another message isn't about ada"


def test_the_watcher_is_told_where_it_is(sync_memories, own_memories, records, url, monkeypatch):
    monkeypatch.setattr(watched, "_stores", WeakKeyDictionary())
    sync_memories.count()
    own_memories.count()
    told = records.endpoints()
    where = {"host": "127.0.0.1", "port": urlsplit(url).port, "ssl": False}
    names = {"tenant": "default_tenant", "database": "default_database"}
    assert told == [("chroma", {**where, **names}), ("chroma", {"embedded": True})]


def test_retrievals_and_storings_are_measured_as_the_memorys(own_memories, records):
    own_memories.add(ids=["1", "2", "3"], embeddings=VECTORS)
    own_memories.query(query_embeddings=[1.0, 0.0], n_results=2)
    own_memories.count()
    records.spans()
    assert records.cells(semconv.MEMORY_DURATION) == {
        ("unknown", "store", "ok", "vector"): 1, ("unknown", "retrieve", "ok", "vector"): 1,
    }  # fmt: skip
    assert records.cells(semconv.MEMORY_ITEMS).keys() == {
        ("unknown", "store", "vector"), ("unknown", "retrieve", "vector"),
    }  # fmt: skip
    assert records.cells(semconv.MEMORY_RELEVANCE) == {("unknown", "vector"): 1}


def test_a_hook_that_breaks_changes_nothing_for_the_bot(own_memories, records, monkeypatch):
    monkeypatch.setattr(guard, "strict", False)
    own_memories.add(ids=["1"], embeddings=VECTORS[:1])
    monkeypatch.setattr(operations, "rated", None)
    monkeypatch.setattr(watched, "rated", None)
    assert own_memories.query(query_embeddings=[1.0, 0.0])["ids"] == [["1"]]
    monkeypatch.setattr(operations.Store, "call", None)
    assert own_memories.query(query_embeddings=[1.0, 0.0])["ids"] == [["1"]]
    assert set(guard.counts) == {"vector store answer", "vector store"}


def test_undone_it_is_chroma_as_it_was(own_memories, records):
    registry.undo()
    for kind in (Collection, AsyncCollection):
        for name in ("add", "query"):
            assert "whisperwatch" not in vars(kind)[name].__code__.co_filename
    own_memories.count()
    assert shown(records) == []
    undo = watched.apply()
    watched.apply()
    own_memories.count()
    assert len(shown(records)) == 1
    undo()
    undo()
    assert "whisperwatch" not in Collection.query.__code__.co_filename
