"""Redis: AUTH, PING and INFO in its own protocol, over a connection of the watcher's own.

redis-py would be 13 MB in the watcher; four commands need none of it.
"""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Mapping
from typing import Any

from .answer import Answer
from .errors import ProbeError, RefusedError, UnknownError
from .reach import opened, trust

_NOT_ALLOWED = ("NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR invalid password")
_COUNTED = frozenset({"keyspace_hits", "keyspace_misses", "evicted_keys", "expired_keys"})
_MOST_INFO = 100_000
_BUSY = {
    "LOADING": "is loading its data",
    "BUSY": "is busy with a script",
    "MASTERDOWN": "has lost its master",
    "MISCONF": "can't save, and refuses to write",
    "ERR max number of clients": "has no connection left to give (too many clients)",
}


async def ask(arguments: Mapping[str, Any]) -> str:
    """Log in as the bot does, and PING. Where INFO is allowed, the `Answer` has what Redis counts of its keyspace.

    Raises:
        ProbeError: it answers something else, or refuses the password.
        OSError: what connecting raises.
    """
    if {"password", "credential_provider"} & set(arguments.get("opaque") or ()):
        raise UnknownError("is not asked, for its password is made by the bot's own code")
    path = arguments.get("unix_socket_path") or arguments.get("path")
    host, port = str(path or arguments.get("host") or "localhost"), int(arguments.get("port") or 6379)
    secured = None if path or not arguments.get("ssl") else _tls(arguments)
    async with opened(host, port, secured) as (reader, writer):
        user, password = arguments.get("username"), arguments.get("password")
        if user or password:
            who = (str(user), str(password or "")) if user else (str(password),)
            await _command(reader, writer, "AUTH", *who)
        answer = await _command(reader, writer, "PING")
        if answer != "+PONG":
            raise ProbeError("answers PING with something else than PONG")
        return Answer("answers PING", await _figures(reader, writer))


async def _figures(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> dict[str, int]:
    """Of `INFO stats`; none where Redis doesn't tell."""
    try:
        size = await _command(reader, writer, "INFO", "stats")
        if not size.startswith("$") or int(size[1:]) > _MOST_INFO:
            return {}
        told = (await reader.readexactly(int(size[1:]) + 2)).decode("utf-8", "replace")
    except (ProbeError, ValueError, EOFError, OSError):  # it answers, and tells no more
        return {}
    pairs = (line.partition(":") for line in told.splitlines())
    return {name: int(value) for name, _, value in pairs if name in _COUNTED and value.isdecimal()}


async def _command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *words: str) -> str:
    parts = [word.encode() for word in words]
    writer.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
    try:
        answer = (await reader.readuntil(b"\r\n"))[:-2].decode("utf-8", "replace")
    except asyncio.LimitOverrunError as error:
        raise ProbeError("answers something that is not Redis' protocol") from error
    if not answer.startswith("-"):
        if answer[:1] not in "+$:*":
            raise ProbeError("answers something that is not Redis' protocol")
        return answer
    if answer[1:].startswith(_NOT_ALLOWED):
        raise RefusedError("refuses the bot's password")
    busy = next((text for word, text in _BUSY.items() if answer[1:].startswith(word)), None)
    raise ProbeError(busy or f"answers {words[0]} with an error")


def _tls(arguments: Mapping[str, Any]) -> tls.SSLContext:
    context = trust()
    if arguments.get("ssl_ca_certs"):
        context.load_verify_locations(str(arguments["ssl_ca_certs"]))
    if arguments.get("ssl_certfile"):
        context.load_cert_chain(str(arguments["ssl_certfile"]), arguments.get("ssl_keyfile"))
    if not arguments.get("ssl_check_hostname", True):
        context.check_hostname = False
    if str(arguments.get("ssl_cert_reqs", "required")).lower() in ("none", "0"):
        context.check_hostname, context.verify_mode = False, tls.CERT_NONE
    return context
