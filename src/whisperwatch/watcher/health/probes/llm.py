"""A language model's API: its list of models, with the bot's key. Never a completion: those cost money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .errors import ProbeError, RefusedError, UnknownError
from .http import get

OPENAI: Final = "https://api.openai.com/v1"
ANTHROPIC: Final = "https://api.anthropic.com"


async def ask_openai(arguments: Mapping[str, Any]) -> str:
    """OpenAI's `/models`, of OpenAI or whoever speaks like it.

    Raises:
        Exception: as `_ask`.
    """
    key = arguments.get("api_key")
    base = str(arguments.get("base_url") or OPENAI).rstrip("/")
    if str(arguments.get("provider", "")).startswith("azure"):
        raise UnknownError("is Azure's, which has no such list: its calls tell")
    return await _ask(f"{base}/models", {"Authorization": f"Bearer {key}"} if key else {})


async def ask_anthropic(arguments: Mapping[str, Any]) -> str:
    """Anthropic's `/v1/models`.

    Raises:
        Exception: as `_ask`.
    """
    key, token = arguments.get("api_key"), arguments.get("auth_token")
    base = str(arguments.get("base_url") or ANTHROPIC).rstrip("/").removesuffix("/v1")
    headers = {"anthropic-version": "2023-06-01"} | ({"x-api-key": str(key)} if key else {})
    headers |= {"Authorization": f"Bearer {token}"} if token and not key else {}
    return await _ask(f"{base}/v1/models", headers)


async def _ask(url: str, headers: dict[str, str]) -> str:
    """What the status means.

    Raises:
        RefusedError: the key is wrong.
        UnknownError: the key isn't known here.
        ProbeError: it is out of order, or no such API.
        Exception: as `http.get`.
    """
    answer = await get(url, headers)
    status = answer.status
    knows_key = bool(headers.keys() & {"Authorization", "x-api-key"})
    if status in (401, 403) and not knows_key:
        raise UnknownError("answers; whether the key is right isn't known here")
    if status in (401, 403):
        raise RefusedError(f"refuses the bot's API key (HTTP {status}): it is no outage, the key is wrong")
    if status == 429:
        raise ProbeError("says that the rate or the quota is used up (HTTP 429)")
    if status >= 500:
        raise ProbeError(f"is out of order (HTTP {status})")
    if status in (404, 405):
        return "answers, without a list of models"
    if status != 200:
        raise ProbeError(f"answers its list of models with HTTP {status}")
    told = answer.json()
    if not isinstance(told, dict) or not isinstance(told.get("data"), list):
        raise ProbeError("answers its list of models with something else")
    return (
        f"answers with its list of {len(told['data'])} models"
        if len(told["data"]) != 1
        else ("answers with its one model")
    )
