"""Qdrant's client, sync and async, over HTTP or gRPC, or local in the process. Read at 1.20."""

from __future__ import annotations

from itertools import chain
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from qdrant_client import AsyncQdrantClient, QdrantClient

from whisperwatch.bot.instrument.libraries.databases import server_of
from whisperwatch.bot.instrument.libraries.endpoints import remember
from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.libraries.vectors.operations import (
    IN_PROCESS,
    Operation,
    Store,
    VectorCall,
    rated,
    watched,
)
from whisperwatch.bot.instrument.patches import Patch


def _points(call: VectorCall, points: Any) -> None:
    call.rows = len(points)
    scores = (getattr(point, "score", None) for point in points)
    call.scores = rated((score for score in scores if score is not None), max)


def _read_response(call: VectorCall, answer: Any) -> None:
    _points(call, answer.points)


def _read_responses(call: VectorCall, answer: Any) -> None:
    _points(call, list(chain.from_iterable(response.points for response in answer)))


def _read_groups(call: VectorCall, answer: Any) -> None:
    _points(call, list(chain.from_iterable(group.hits for group in answer.groups)))


def _read_page(call: VectorCall, answer: Any) -> None:
    call.rows = len(answer[0])


def _size(args: Any, kwargs: Any) -> int | None:
    """Of a list of points, or of a `Batch`; an iterator's is not known before it is read."""
    points: Any = kwargs["points"] if "points" in kwargs else args[1] if len(args) > 1 else None
    points = getattr(points, "ids", points)
    return len(points) if hasattr(points, "__len__") else None


_OPERATIONS = {
    "query_points": Operation("query", "retrieve", _read_response),
    "query_batch_points": Operation("query_batch", "retrieve", _read_responses),
    "query_points_groups": Operation("query_groups", "retrieve", _read_groups),
    "search": Operation("search", "retrieve", _points),
    "recommend": Operation("recommend", "retrieve", _points),
    "retrieve": Operation("get", "", _points),
    "scroll": Operation("scroll", "", _read_page),
    "count": Operation("count"),
    "upsert": Operation("upsert", "store", None, _size),
    "upload_points": Operation("upload", "store", None, _size),
    "upload_collection": Operation("upload", "store"),
    "update_vectors": Operation("update_vectors", "", None, _size),
    "set_payload": Operation("set_payload"),
    "overwrite_payload": Operation("overwrite_payload"),
    "delete_payload": Operation("delete_payload"),
    "batch_update_points": Operation("batch_update"),
    "delete": Operation("delete"),
}
"""By method."""
_patches = LibraryPatches("qdrant-client")
_stores: WeakKeyDictionary[Any, Store] = WeakKeyDictionary()


def apply() -> Undo:
    """Patch both clients."""
    _patches.apply([
        Patch(kind, method, watched(operation, _find, lambda: _patches.on))
        for kind in (QdrantClient, AsyncQdrantClient)
        for method, operation in _OPERATIONS.items()
        if method in vars(kind)
    ])  # fmt: skip
    return _patches.undo


def _find(client: Any, args: Any, kwargs: Any) -> tuple[Store, str]:
    store = _stores.get(client)
    if store is None:
        store = _stores[client] = _store(client)
    return store, str(kwargs["collection_name"] if "collection_name" in kwargs else args[0])


def _store(client: Any) -> Store:
    url = getattr(client._client, "rest_uri", None)
    if url is None:
        remember("qdrant", {"embedded": True})
        return Store(server_of("qdrant", "", IN_PROCESS, None))
    given = client.init_options
    about = {"url": url, "api_key": given.get("api_key")}
    for name, value in (given.get("headers") or {}).items():
        about[f"header {name}"] = value
    remember("qdrant", {name: value for name, value in about.items() if value is not None})
    parts = urlsplit(url)
    return Store(server_of("qdrant", "", parts.hostname or "", parts.port))
