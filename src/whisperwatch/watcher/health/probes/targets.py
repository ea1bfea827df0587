"""From the arguments that a bot was seen to connect with to what is asked: which component, which name, which probe."""

from __future__ import annotations

import marshal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from whisperwatch.watcher.records import Endpoint

from . import llm, postgres, reach, redis, vectors

Ask = Callable[[Mapping[str, Any]], Awaitable[str]]
Of = Literal["llm", "database", "system"]


@dataclass(frozen=True, slots=True)
class Target:
    """Something that is asked.

    Attributes:
        key: the same for the same server and arguments.
        component: which component it is a part of.
        name: what people call it, without secrets.
        kind: which sort of server.
        address: its host, as spans and metrics name it.
    """

    key: bytes
    component: Of
    name: str
    kind: str
    address: str
    arguments: Mapping[str, Any] = field(repr=False)
    ask: Ask


@dataclass(frozen=True, slots=True)
class _Sort:
    component: Of
    title: str
    port: int
    ask: Ask
    url: str = ""
    """Where it is when no argument says."""


async def _reach(arguments: Mapping[str, Any]) -> str:
    return await reach.connect(str(arguments["host"]), int(arguments["port"]))


_SORTS: Final[dict[str, _Sort]] = {
    "postgresql": _Sort("database", "PostgreSQL", 5432, postgres.ask),
    "redis": _Sort("database", "Redis", 6379, redis.ask),
    "chroma": _Sort("database", "Chroma", 8000, vectors.ask_chroma),
    "qdrant": _Sort("database", "Qdrant", 6333, vectors.ask_qdrant),
    "openai": _Sort("llm", "OpenAI's API", 443, llm.ask_openai, llm.OPENAI),
    "anthropic": _Sort("llm", "Anthropic's API", 443, llm.ask_anthropic, llm.ANTHROPIC),
    "http": _Sort("system", "HTTP", 443, _reach),
    "discord": _Sort("system", "Discord", 443, _reach),
}
_ALIASES: Final = {"asyncpg": "postgresql", "postgres": "postgresql", "chromadb": "chroma"}


def target(endpoint: Endpoint) -> Target | None:
    """What to ask of an endpoint; None of one that is embedded in the bot, or of no sort that we know."""
    kind = _ALIASES.get(endpoint.system, endpoint.system)
    sort, arguments = _SORTS.get(kind), endpoint.arguments
    if sort is None or arguments.get("embedded"):
        return None
    try:
        host, port = _where(kind, sort, arguments)
        key = marshal.dumps((kind, sorted(arguments.items(), key=lambda item: str(item[0]))))
    except (ValueError, TypeError, KeyError):  # of another shape than anybody agreed on
        return None
    name = f"{sort.title} at {host}" + (f":{port}" if port is not None else "")
    return Target(key, sort.component, name, kind, host, arguments, sort.ask)


def _where(kind: str, sort: _Sort, arguments: Mapping[str, Any]) -> tuple[str, int | None]:
    if arguments.get("unix_socket_path") or arguments.get("path"):
        return "a unix socket", None
    url = arguments.get("base_url") or arguments.get("url") or arguments.get("dsn") or sort.url
    if not url and "://" in str(arguments.get("host")):
        url = arguments["host"]
    if url:
        parts = urlsplit(str(url))
        plain = arguments.get("port") or (80 if parts.scheme == "http" else sort.port)
        return (parts.hostname, parts.port or plain) if parts.hostname else ("a unix socket", None)
    host, port = reach.first_host(arguments, sort.port)
    return ("a unix socket", None) if host.startswith(("/", "@")) else (host, port)
