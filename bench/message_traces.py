"""Traces of messages as a companion makes them: an event, its listener, memories, statements, a model, a reply."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from whisperwatch import semconv
from whisperwatch.watcher.store.traces import Part
from whisperwatch.watcher.store.traces.packing import encode

_NS = 10**9
_SQL = {semconv.DB_SYSTEM: "postgresql", semconv.DB_OPERATION: "SELECT", semconv.SERVER_ADDRESS: "localhost"}
_REDIS = {semconv.DB_SYSTEM: "redis", semconv.DB_OPERATION: "GET", semconv.SERVER_ADDRESS: "localhost"}
_VECTORS = {semconv.DB_SYSTEM: "chroma", semconv.DB_OPERATION: "query", semconv.MEMORY_OPERATION: "retrieve"}
_MODEL = {
    semconv.GEN_AI_OPERATION: "chat",
    semconv.GEN_AI_REQUEST_MODEL: "small",
    semconv.GEN_AI_PROVIDER: "openai",
}
_ASKED = {semconv.METHOD: "POST", semconv.SERVER_ADDRESS: "api.openai.com", semconv.STATUS_CODE: 200}
_REPLY = {semconv.METHOD: "POST", semconv.ROUTE: "/channels/{channel_id}/messages", semconv.STATUS_CODE: 200}
_TEXT = "SELECT text, written_at FROM memories WHERE user_id = $1 ORDER BY written_at DESC LIMIT ?"
_STEPS: list[tuple[str, dict[str, Any], float]] = [
    ("GET", _REDIS, 0.001),
    ("query memories", _VECTORS, 0.03),
    *[("SELECT memories", {**_SQL, semconv.DB_QUERY_TEXT: _TEXT}, 0.01)] * 12,
    ("chat small", _MODEL, 1.2),
    ("POST /channels/{channel_id}/messages", _REPLY, 0.15),
    ("SET", _REDIS, 0.001),
]
SPANS = len(_STEPS) + 3


def messages(count: int, first: float, last: float, dice: random.Random) -> Iterator[Part]:
    """So many, spread over a time (unix seconds), of `SPANS` spans each."""
    for number in range(count):
        start = round((first + (last - first) * number / count) * _NS)
        yield _message(dice, start)


def _message(dice: random.Random, start: int) -> Part:
    root, listener, at = f"{dice.getrandbits(64):016x}", f"{dice.getrandbits(64):016x}", start + 200_000
    spans: list[list[Any]] = []
    for name, attributes, typical_s in _STEPS:
        took, span_id = round(dice.lognormvariate(0, 0.5) * typical_s * _NS), f"{dice.getrandbits(64):016x}"
        spans.append([span_id, listener, name, "client", at, at + took, "unset", "", attributes, [], []])
        if attributes is _MODEL:
            below = f"{dice.getrandbits(64):016x}"
            spans.append([below, span_id, "POST", "client", at, at + took, "unset", "", _ASKED, [], []])
        at += took + 50_000
    ids = {semconv.USER_ID: f"{dice.randrange(2000):016x}", semconv.CHANNEL_ID: f"{dice.randrange(200):016x}"}
    event = {semconv.EVENT: "message", semconv.SHARD: 0, **ids}
    heard = {semconv.LISTENER: "Companion.on_message"}
    spans += [
        [listener, root, "listener Companion.on_message", "internal", start, at, "unset", "", heard, [], []],
        [root, "", "message", "consumer", start, at, "unset", "", event, [], []],
    ]
    trace = dice.getrandbits(128).to_bytes(16, "big")
    return Part(trace, "message", start, at, False, len(spans), "one", encode(spans))
