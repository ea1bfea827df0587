"""HTTP answers as Discord gives them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from aiohttp import web

from whisperwatch.demo.loopback.wire import text_of

Scope = Literal["user", "shared", "global", "cloudflare"]
VIA = {"Via": "1.1 google"}
"""Discord's own answers have it; those of Cloudflare before it don't."""


def json_response(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON. The content type has no charset, without which discord.py would not take it for JSON."""
    content_type = {"Content-Type": "application/json"}
    return web.Response(
        body=text_of(body).encode(), status=status, headers={**VIA, **content_type, **(headers or {})}
    )


def ratelimited(scope: Scope, retry_after: float, headers: Mapping[str, str] | None = None) -> web.Response:
    """A 429 of Discord, or for `cloudflare` of what stands before it. `retry_after` in seconds."""
    if scope == "cloudflare":
        page = "<!DOCTYPE html><title>Access denied | discord.com</title><h1>Error 1015</h1>You are being rate limited"
        return web.Response(status=429, text=page, content_type="text/html", headers={"Retry-After": "3600"})
    what = "The resource is" if scope == "shared" else "You are"
    body = {
        "message": f"{what} being rate limited.",
        "retry_after": round(retry_after, 3),
        "global": scope == "global",
    }
    told = {"Retry-After": str(math.ceil(retry_after)), "X-RateLimit-Scope": scope, **(headers or {})}
    if scope == "global":
        told["X-RateLimit-Global"] = "true"
    return json_response(body, 429, told)
