"""What can go wrong with Discord, switchable while it runs. Faults add up; each is stopped by itself or all at once.

with discord.faults.slow(0.5, route="/channels/{channel_id}/messages"):
    ...
storm = discord.faults.storm("global", retry_after=1.0)
storm.stop()
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self, TypeVar

from aiohttp import web

from whisperwatch.demo.loopback.responses import VIA, Scope, json_response, ratelimited

F = TypeVar("F", bound="Fault")


class Reset(Exception):
    """The connection of the request is to be reset instead of answered."""


@dataclass(eq=False)
class Fault:
    """Something wrong, until `stop()`; as a context manager, until the block's end."""

    running: list[Fault] = field(repr=False)

    def stop(self) -> None:
        if self in self.running:
            self.running.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass(eq=False)
class Silence(Fault):
    """The gateway sends no events, or doesn't acknowledge heartbeats, to one shard or all."""

    events: bool = True
    acks: bool = False
    shard: int | None = None


@dataclass(eq=False)
class WrongToken(Fault):
    """Every token is refused: 401, and 4004 at IDENTIFY and RESUME."""


@dataclass(eq=False)
class RestFault(Fault):
    """A fault of requests: of `route` (template) and `method` or all, a `share` of them, `count` at most."""

    route: str | None = None
    method: str | None = None
    share: float = 1.0
    count: int | None = None

    def strikes(self, method: str, route: str, dice: random.Random) -> bool:
        """Whether this request is hit."""
        if self.route not in (None, route) or self.method not in (None, method):
            return False
        if self.count == 0 or dice.random() >= self.share:
            return False
        if self.count is not None:
            self.count -= 1
        return True

    async def strike(self) -> web.Response | None:
        """What happens to a request that is hit: an answer, a wait, or Reset."""
        raise NotImplementedError


@dataclass(eq=False)
class Slow(RestFault):
    seconds: float = 1.0

    async def strike(self) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(eq=False)
class Resets(RestFault):
    async def strike(self) -> None:
        raise Reset


@dataclass(eq=False)
class ServerErrors(RestFault):
    status: int = 500

    async def strike(self) -> web.Response:
        if self.status in (502, 504, 524):
            return web.Response(status=self.status, text=f"error code: {self.status}", headers=VIA)
        return json_response(
            {"message": f"{self.status}: {HTTPStatus(self.status).phrase}", "code": 0}, self.status
        )


@dataclass(eq=False)
class Storm(RestFault):
    """429s. `cloudflare` is a ban: HTML, no Via header."""

    scope: Scope = "user"
    retry_after: float = 0.5

    async def strike(self) -> web.Response:
        return ratelimited(self.scope, self.retry_after)


class Faults:
    """The switchboard."""

    def __init__(self, seed: int = 0) -> None:
        self.running: list[Fault] = []
        self._dice = random.Random(seed)

    # --- switching on ---

    def silence(self, *, events: bool = True, acks: bool = False, shard: int | None = None) -> Silence:
        """The gateway goes deaf: no events, and/or no heartbeat ACKs."""
        return self._start(Silence(self.running, events, acks, shard))

    def wrong_token(self) -> WrongToken:
        """As if the bot's token had been reset."""
        return self._start(WrongToken(self.running))

    def slow(self, seconds: float, **where: Any) -> Slow:
        """REST takes `seconds` longer. `where`: route, method, share, count (see RestFault)."""
        return self._start(Slow(self.running, seconds=seconds, **where))

    def resets(self, **where: Any) -> Resets:
        """REST connections are reset."""
        return self._start(Resets(self.running, **where))

    def errors(self, status: int = 500, **where: Any) -> ServerErrors:
        """REST answers 5xx."""
        return self._start(ServerErrors(self.running, status=status, **where))

    def storm(self, scope: Scope = "user", *, retry_after: float = 0.5, **where: Any) -> Storm:
        """REST answers 429; `retry_after` in seconds."""
        return self._start(Storm(self.running, scope=scope, retry_after=retry_after, **where))

    def start(self, name: str, **arguments: Any) -> Fault:
        """Switches a fault on by name, for another process. Raises ValueError or TypeError."""
        makers: dict[str, Callable[..., Fault]] = {
            "silence": self.silence, "wrong_token": self.wrong_token, "slow": self.slow,
            "resets": self.resets, "errors": self.errors, "storm": self.storm,
        }  # fmt: skip
        if name not in makers:
            raise ValueError(f"no fault {name!r}; there are {sorted(makers)}")
        return makers[name](**arguments)

    def stop(self) -> None:
        """Stops all faults."""
        self.running.clear()

    def _start(self, fault: F) -> F:
        self.running.append(fault)
        return fault

    # --- what the server asks ---

    def deaf(self, shard: int) -> bool:
        return any(f.events and f.shard in (None, shard) for f in self.running if isinstance(f, Silence))

    def unacknowledging(self, shard: int) -> bool:
        return any(f.acks and f.shard in (None, shard) for f in self.running if isinstance(f, Silence))

    def token_refused(self) -> bool:
        return any(isinstance(fault, WrongToken) for fault in self.running)

    async def strike(self, method: str, route: str) -> web.Response | None:
        """Lets the running faults hit a request, in the order they were started. Raises Reset."""
        for fault in tuple(self.running):
            if isinstance(fault, RestFault) and fault.strikes(method, route, self._dice):
                answer = await fault.strike()
                if answer is not None:
                    return answer
        return None
