"""Chroma and Qdrant: the routes by which they themselves say that they live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from .errors import ProbeError, RefusedError, UnknownError
from .http import Answer, get

_HEADER: Final = "header "


async def ask_chroma(arguments: Mapping[str, Any]) -> str:
    """Its heartbeat.

    Raises:
        Exception: as `http.get`, and ProbeError for another answer.
    """
    answer = await get(f"{base(arguments, 8000)}/api/v2/heartbeat", _headers(arguments))
    if answer.status in (401, 403) and (arguments.get("auth_credentials") or arguments.get("opaque")):
        raise UnknownError("asks for a login that isn't known here")
    told = answer.json() if _allowed(answer).status == 200 else None
    if not isinstance(told, dict) or not isinstance(told.get("nanosecond heartbeat"), int):
        raise ProbeError(f"answers its heartbeat with HTTP {answer.status} and no time")
    return "answers its heartbeat"


async def ask_qdrant(arguments: Mapping[str, Any]) -> str:
    """Whether it calls itself ready.

    Raises:
        Exception: as `http.get`, and ProbeError for another answer.
    """
    answer = _allowed(await get(f"{base(arguments, 6333)}/readyz", _headers(arguments)))
    if answer.status != 200 or b"ready" not in answer.body.lower():
        raise ProbeError(f"doesn't call itself ready (HTTP {answer.status})")
    return "calls itself ready"


def base(arguments: Mapping[str, Any], port: int) -> str:
    """The URL that the arguments name, without a slash at its end."""
    host = str(arguments.get("host") or "localhost")
    if url := arguments.get("url") or (host if "://" in host else None):
        parts = urlsplit(str(url))
        if parts.port is None and arguments.get("port"):
            parts = parts._replace(netloc=f"{parts.netloc}:{arguments['port']}")
        return urlunsplit(parts._replace(query="", fragment="")).rstrip("/")
    scheme = "https" if arguments.get("ssl") or arguments.get("https") else "http"
    prefix = str(arguments.get("prefix") or "").strip("/")
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{arguments.get('port') or port}{f'/{prefix}' if prefix else ''}"


def _headers(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Those that the bot sends: under `headers`, or each as `header <name>`."""
    given = dict(arguments.get("headers") or {})
    given |= {name[len(_HEADER) :]: one for name, one in arguments.items() if name.startswith(_HEADER)}
    headers = {str(name): str(value) for name, value in given.items()}
    if key := arguments.get("api_key"):
        headers["api-key"] = str(key)
    return headers


def _allowed(answer: Answer) -> Answer:
    if answer.status in (401, 403):
        raise RefusedError(f"refuses the bot's key or login (HTTP {answer.status})")
    return answer
