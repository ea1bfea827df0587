"""Discord's rate limits: a bucket for each route and major parameter, and one global limit, both enforced."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

MAJOR = ("channel_id", "guild_id", "webhook_id", "webhook_token")


@dataclass(frozen=True, slots=True)
class Limit:
    """`requests` in a window of `seconds`, which starts with its first request."""

    requests: int
    seconds: float


@dataclass(frozen=True)
class Limits:
    """Which limits hold.

    Attributes:
        route: of each bucket that `routes` doesn't name; None: no buckets.
        routes: by (method, route template).
        overall: the global limit; None: none. Interactions and webhooks are not bound to it.
    """

    route: Limit | None = Limit(50, 1.0)
    routes: Mapping[tuple[str, str], Limit] = field(default_factory=dict)
    overall: Limit | None = Limit(500, 1.0)

    @classmethod
    def real(cls) -> Self:
        """Near what Discord really grants."""
        messages = "/channels/{channel_id}/messages"
        routes = {
            ("POST", messages): Limit(5, 5.0),
            ("PATCH", messages + "/{message_id}"): Limit(5, 5.0),
            ("DELETE", messages + "/{message_id}"): Limit(5, 1.0),
            ("PUT", messages + "/{message_id}/reactions/{emoji}/@me"): Limit(1, 0.25),
            ("POST", "/webhooks/{webhook_id}/{webhook_token}"): Limit(5, 2.0),
        }
        return cls(Limit(10, 2.0), routes, Limit(50, 1.0))

    @classmethod
    def none(cls) -> Self:
        """No limits and no headers: for benchmarks."""
        return cls(None, {}, None)


@dataclass(slots=True)
class Window:
    """How many requests a running window has left; times are of the monotonic clock."""

    left: int
    ends: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limits say to a request. `retry_after` (seconds) is set where it is refused."""

    headers: dict[str, str]
    retry_after: float | None = None
    overall: bool = False


class RateLimits:
    """Counts requests against the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._windows: dict[str, Window] = {}
        self._hashes: dict[tuple[str, str], str] = {}
        self._overall: Window | None = None

    def take(self, method: str, route: str, parameters: Mapping[str, str], *, bound: bool) -> Verdict:
        """Counts a request. `bound`: whether the global limit holds for it."""
        now = time.monotonic()
        if bound and self.limits.overall is not None:
            wait = self._take_overall(self.limits.overall, now)
            if wait is not None:
                return Verdict({}, wait, overall=True)
        limit = self.limits.routes.get((method, route), self.limits.route)
        if limit is None:
            return Verdict({})
        bucket = self._hash(method, route)
        key = ":".join([bucket, *(parameters[name] for name in MAJOR if name in parameters)])
        window = self._window(key, limit, now)
        refused = window.left == 0
        if not refused:
            window.left -= 1
        wait = max(window.ends - now, 0.0)
        headers = {
            "X-RateLimit-Limit": str(limit.requests),
            "X-RateLimit-Remaining": str(window.left),
            "X-RateLimit-Reset": f"{time.time() + wait:.3f}",
            "X-RateLimit-Reset-After": f"{wait:.3f}",
            "X-RateLimit-Bucket": bucket,
        }
        return Verdict(headers, wait if refused else None)

    def _take_overall(self, limit: Limit, now: float) -> float | None:
        if self._overall is None or self._overall.ends <= now:
            self._overall = Window(limit.requests, now + limit.seconds)
        if self._overall.left == 0:
            return self._overall.ends - now
        self._overall.left -= 1
        return None

    def _window(self, key: str, limit: Limit, now: float) -> Window:
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            if len(self._windows) > 10_000:
                self._windows = {each: w for each, w in self._windows.items() if w.ends > now}
            window = self._windows[key] = Window(limit.requests, now + limit.seconds)
        return window

    def _hash(self, method: str, route: str) -> str:
        found = self._hashes.get((method, route))
        if found is None:
            found = hashlib.blake2s(f"{method} {route}".encode(), digest_size=16).hexdigest()
            self._hashes[method, route] = found
        return found
