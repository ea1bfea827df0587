"""The spans of a trace as the store keeps them: JSON, compressed with the words that spans are full of.

A span is looked at with its whole trace or not at all, so they are packed together: an eighth of what rows would take.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any, Final

from whisperwatch.watcher.store.json_text import json_text

PackedSpan = list[Any]
"""span id, parent id (hex), name, kind, start, end (wall ns), status, description, attributes, events, links."""

WORDS: Final = (
    b'"exception.type":"exception.stacktrace":"File \\"error.type":"gen_ai.operation.name":"chat",'
    b'"gen_ai.provider.name":"openai","gen_ai.request.model":"gen_ai.request.stream":true,"gen_ai.response.model":'
    b'"gen_ai.response.id":"chatcmpl-gen_ai.response.finish_reasons":["stop"],"gen_ai.usage.input_tokens":'
    b'"gen_ai.usage.output_tokens":"gen_ai.response.time_to_first_chunk":0.bot.feature.name":'
    b'"bot.memory.distance.mean":0."bot.memory.distance.min":0."db.response.returned_rows":'
    b'"db.operation.batch.size":1,"bot.memory.operation":"store"retrieve"chroma","qdrant","interaction",'
    b'"POST /interactions/{webhook_id}/{webhook_token}/callback","POST /channels/{channel_id}/typing",'
    b'"http.response.status_code":204"discord.listener.name":"listener "PUT","PATCH","DELETE /"GET","SET","BEGIN",'
    b'"COMMIT","UPDATE  WHERE id = $1"SELECT  FROM INSERT INTO  VALUES ($1, $2) "db.system.name":"redis",'
    b'"db.namespace":"0","db.operation.name":"db.system.name":"postgresql","db.namespace":"db.collection.name":'
    b'"db.operation.name":"SELECT","db.query.summary":"db.query.text":"server.address":"localhost",'
    b'"server.address":"127.0.0.1","server.port":"server.address":"discord.com","http.request.method":"GET",'
    b'"http.request.method":"POST","url.template":"/channels/{channel_id}/messages",'
    b'"http.response.status_code":200},[],[]],["","error","","ok","command discord.command.name":'
    b'"discord.command.kind":"slash","discord.command.kind":"prefix","outcome":"ok"},[],[]],["internal",","client",'
    b'[[",","message","consumer",17,"unset","",{"bot.name":"discord.event.name":"message","discord.message.id":'
    b'"discord.channel.id":"discord.user.id":"discord.guild.id":"discord.shard.id":0'
)
"""Version 2's, the most frequent last. Never changed, for what was packed with them is not read without them: other
words are another version's. Unlike spans they keep the quotes and commas that stand between."""
_VERSION: Final = b"\x02"
_WORDS_OF: Final = {b"\x01": b"", _VERSION: WORDS}


_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 3, 13, 6
_packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zdict=WORDS)
"""Has read the words; is only ever copied, in 60 KB (zlib's defaults would take 270 for each trace)."""


def pack(text: str) -> bytes:
    """A part's body of its spans as JSON: a list of `PackedSpan`s, without blanks, as `json_text` writes it."""
    packer = _packer.copy()
    return _VERSION + packer.compress(text.encode("utf-8", "replace")) + packer.flush()


def encode(spans: Sequence[PackedSpan]) -> bytes:
    """Spans as a part's body."""
    return pack(json_text(spans))


def unpacked(body: bytes) -> str:
    """A part's body as JSON.

    Raises:
        ValueError: it is of a version that isn't known.
        zlib.error: it is damaged.
    """
    words = _WORDS_OF.get(body[:1])
    if words is None:
        raise ValueError(f"spans of version {body[0] if body else None} can't be read")
    unpacker = zlib.decompressobj(zdict=words)
    text = unpacker.decompress(body[1:]) + unpacker.flush()
    if not unpacker.eof:
        raise zlib.error("the spans end too early")
    return text.decode()


def decode(body: bytes) -> list[PackedSpan]:
    """The spans of a part's body; raises as `unpacked`."""
    found: list[PackedSpan] = json.loads(unpacked(body))
    return found
