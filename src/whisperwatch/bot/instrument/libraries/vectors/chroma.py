"""Chroma's collections, sync and async, on a server or in the process. Read at 1.5."""

from __future__ import annotations

from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from chromadb.api.models.AsyncCollection import AsyncCollection
from chromadb.api.models.Collection import Collection

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


def _read_found(call: VectorCall, answer: Any) -> None:
    """A `QueryResult`: for each text that was asked for, a list of ids, and of distances where they were wanted."""
    call.rows = sum(map(len, answer["ids"]))
    call.distances = rated(chain.from_iterable(answer.get("distances") or ()), min)


def _read_ranked(call: VectorCall, answer: Any) -> None:
    """A `SearchResult`, which has scores, none for what was not ranked."""
    call.rows = sum(map(len, answer["ids"]))
    scores = (score for found in answer.get("scores") or () for score in found or ())
    call.scores = rated((score for score in scores if score is not None), max)


def _read_got(call: VectorCall, answer: Any) -> None:
    call.rows = len(answer["ids"])


def _size(args: Any, kwargs: Any) -> int | None:
    ids = kwargs["ids"] if "ids" in kwargs else next(iter(args), None)
    return 1 if isinstance(ids, str) else None if ids is None else len(ids)


_OPERATIONS = (
    Operation("query", "retrieve", _read_found),
    Operation("search", "retrieve", _read_ranked),
    Operation("get", "", _read_got),
    Operation("peek", "", _read_got),
    Operation("count"),
    Operation("add", "store", None, _size),
    Operation("upsert", "store", None, _size),
    Operation("update", "", None, _size),
    Operation("delete", "", None, _size),
)
_patches = LibraryPatches("chromadb")
_stores: WeakKeyDictionary[Any, dict[str, Store]] = WeakKeyDictionary()
"""By what a client's collections share, and the database's name."""


def apply() -> Undo:
    """Patch the collections."""
    _patches.apply([
        Patch(kind, operation.name, watched(operation, _find, lambda: _patches.on))
        for kind in (Collection, AsyncCollection)
        for operation in _OPERATIONS
        if operation.name in vars(kind)
    ])  # fmt: skip
    return _patches.undo


def _find(collection: Any, args: Any, kwargs: Any) -> tuple[Store, str]:
    client = collection._client
    stores = _stores.get(client)
    if stores is None:
        stores = _stores[client] = {}
    database = str(collection.database)
    store = stores.get(database)
    if store is None:
        store = stores[database] = _store(client, str(collection.tenant), database)
    return store, str(collection.name)


def _store(client: Any, tenant: str, database: str) -> Store:
    settings = client._system.settings
    host = settings.chroma_server_host
    if not host or "fastapi" not in settings.chroma_api_impl:
        remember("chroma", {"embedded": True})
        return Store(server_of("chroma", database, IN_PROCESS, None))
    port = None if settings.chroma_server_http_port is None else int(settings.chroma_server_http_port)
    ssl = bool(settings.chroma_server_ssl_enabled)
    about: dict[str, Any] = {
        "host": host, "port": port, "ssl": ssl, "tenant": tenant, "database": database,
    }  # fmt: skip
    for name, value in (settings.chroma_server_headers or {}).items():
        about[f"header {name}"] = value
    if settings.chroma_client_auth_credentials:
        about["auth_credentials"] = settings.chroma_client_auth_credentials
        about["auth_provider"] = settings.chroma_client_auth_provider
    remember("chroma", about)
    return Store(server_of("chroma", database, host.partition("://")[2] or host, port))
