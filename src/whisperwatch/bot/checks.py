"""Health checks that the bot's own code brings: `@whisperwatch.health_check("payments")`.

They run here, for only the bot can; what they find rides to the watcher in the beat. A plain function runs in a thread
of its own, an `async` one on the bot's loop, with a deadline. Without a watcher none of them runs.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from opentelemetry import context as api

from whisperwatch.bot import guard
from whisperwatch.semconv import COMPONENT_ALIASES, HEALTH_COMPONENTS

logger = logging.getLogger("whisperwatch")

F = TypeVar("F", bound=Callable[..., Any])
_STATUSES: Final = ("healthy", "degraded", "unhealthy", "unknown")
_NAME = re.compile(r"[a-zA-Z][\w.-]{0,63}")
_BLOCKED_NS: Final = 500_000_000
_GRACE_S: Final = 1.0
_LONGEST: Final = 200
MOST: Final = 64


class Pulse(Protocol):
    """The bot's loop, and when it last turned (monotonic ns, 0 while none is watched)."""

    last_turn_ns: int

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None: ...


def health_check(
    name: str, *, critical: bool = False, interval_s: float = 30.0, timeout_s: float = 10.0
) -> Callable[[F], F]:
    """A decorator: this function, without arguments, says how something is.

    It returns None or True for healthy, False for unhealthy, a text for degraded (the reason), or a pair of `healthy`,
    `degraded`, `unhealthy` or `unknown` and a text. Whatever it raises is unhealthy, by the exception's type. The
    function itself is given back as it is. A later check of the same name takes the place of the earlier.

    Args:
        name: letters, digits, `_`, `-` and `.`; the component's name in `/health/component/{name}`.
        critical: whether its being unhealthy makes `/health` answer 503.
        interval_s: how long after its end it runs again.
        timeout_s: a longer run is unhealthy; an `async` one is cancelled.

    A check that can't be is left out, and said in the log: its name may not be one of Whisperwatch's own components,
    and its times are above 0.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return _left_out("its name is of up to 64 letters, digits, _, - and .")
    if name in HEALTH_COMPONENTS or name in COMPONENT_ALIASES:
        return _left_out(f"{name} is a component of Whisperwatch's own, and its name is another one")
    if not (_is_time(interval_s) and _is_time(timeout_s)):
        return _left_out("its times are numbers above 0")

    def register(function: F) -> F:
        if name in _checks or len(_checks) < MOST:
            _checks[name] = HealthCheck(name, function, critical, interval_s, timeout_s)
        else:
            logger.warning("the health check %r is left out: there are %d already", name, MOST)
        return function

    return register


def _left_out(right: str) -> Callable[[F], F]:
    guard.mistaken("health_check", right)
    return lambda function: function


def _is_time(seconds: object) -> bool:
    return isinstance(seconds, (int, float)) and seconds > 0


def tend(pulse: Pulse) -> list[dict[str, Any]]:
    """Run what is due; what the beat says of all. Called on the ship's thread."""
    told = []
    for check in list(_checks.values()):
        try:
            told.append(check.tend(pulse))
        except Exception:
            guard.failed("health check")
    return told


class HealthCheck:
    """One check, its last outcome, and the run that is under way."""

    def __init__(
        self, name: str, function: Callable[[], Any], critical: bool, interval_s: float, timeout_s: float
    ) -> None:
        self.name, self.critical = name, critical
        self._function, self._interval_s, self._timeout_s = function, interval_s, timeout_s
        self._is_async = inspect.iscoroutinefunction(function)
        self._outcome: tuple[str, str] = ("unknown", "has not run yet")
        self._took_s: float | None = None
        self._began: float | None = None
        """When the run that is under way was begun, by `time.monotonic()`; None while none is."""
        self._due = 0.0

    def tend(self, pulse: Pulse) -> dict[str, Any]:
        """Begin a run if one is due; what the beat says."""
        now = time.monotonic()
        if self._began is None and now >= self._due:
            self._begin(pulse, now)
        status, text = self._shown(pulse, now)
        return {
            "name": self.name, "critical": self.critical, "status": status, "text": text, "took_s": self._took_s,
        }  # fmt: skip

    def _begin(self, pulse: Pulse, now: float) -> None:
        if not self._is_async:
            self._began = now
            threading.Thread(target=self._run, name=f"whisperwatch-check-{self.name}", daemon=True).start()
            return
        loop = pulse.loop
        if loop is None or loop.is_closed():
            self._outcome = "unknown", "no event loop runs"
            return
        self._began = now
        try:
            loop.call_soon_threadsafe(self._start_on, loop, context=contextvars.Context())
        except RuntimeError:  # it was closed just now
            self._began = None

    def _shown(self, pulse: Pulse, now: float) -> tuple[str, str]:
        if self._began is None:
            return self._outcome
        lasts_s = now - self._began
        if self._is_async and time.monotonic_ns() - pulse.last_turn_ns > _BLOCKED_NS and lasts_s > 0:
            return "unknown", "loop blocked: it can't run"
        if lasts_s > self._timeout_s + (_GRACE_S if self._is_async else 0.0):
            return "unhealthy", f"has not returned within {self._timeout_s:g} s"
        return self._outcome

    # --- in a thread of its own -------------------------------------------------------------------------------

    def _run(self) -> None:
        began = time.monotonic()
        try:
            _look_away()
            outcome = _judged(self._function())
        except BaseException as error:  # a SystemExit in a thread would end it without a word
            outcome = _raised(error)
        self._end(outcome, began)

    # --- on the bot's loop ------------------------------------------------------------------------------------

    def _start_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._run_async(), name=f"whisperwatch: health check {self.name}")

    async def _run_async(self) -> None:
        began = time.monotonic()
        deadline = asyncio.timeout(self._timeout_s)
        outcome = "unknown", "was cancelled"
        try:
            _look_away()
            async with deadline:
                outcome = _judged(await self._function())
        except Exception as error:
            outcome = _raised(error)
            if deadline.expired():
                outcome = "unhealthy", f"has not returned within {self._timeout_s:g} s"
        finally:
            self._end(outcome, began)

    def _end(self, outcome: tuple[str, str], began: float) -> None:
        now = time.monotonic()
        self._outcome, self._took_s = outcome, now - began
        self._due = now + self._interval_s
        self._began = None


def _judged(returned: Any) -> tuple[str, str]:
    if inspect.iscoroutine(returned):  # of a plain function that wraps an `async` one
        returned.close()
    match returned:
        case None | True:
            return "healthy", ""
        case False:
            return "unhealthy", "says no"
        case str(reason):
            return "degraded", _short(reason)
        case (str(status), str(reason)) if status in _STATUSES:
            return status, _short(reason)
    return "unknown", f"returned something that means nothing here ({type(returned).__name__})"


def _short(reason: str) -> str:
    """Cut between words: half a secret is none that the watcher would know."""
    if len(reason) <= _LONGEST:
        return reason
    whole = reason[:_LONGEST].rpartition(" ")[0]
    return f"{whole} …" if len(whole) > _LONGEST // 2 else reason[:_LONGEST]


def _raised(error: BaseException) -> tuple[str, str]:
    return "unhealthy", f"raised {type(error).__qualname__}"


def _look_away() -> None:
    """What a check asks of the bot's servers is no work of the bot's, and not in its data."""
    api.attach(api.set_value(api._SUPPRESS_INSTRUMENTATION_KEY, True))


_checks: dict[str, HealthCheck] = {}
