"""The report API: reports, logs and traces as typed JSON, for who has the token. `openapi.json` describes it."""

from __future__ import annotations

import asyncio
import hmac
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whisperwatch.semconv import COMPONENTS
from whisperwatch.watcher.answers.terminal import Shown
from whisperwatch.watcher.insight.plain import plain
from whisperwatch.watcher.insight.reports import DAY_S, REPORTS, Kind
from whisperwatch.watcher.query.answers import Answer
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import (
    LogFilter,
    LogQuestion,
    Period,
    QuestionError,
    TraceQuestion,
    TraceSearch,
)
from whisperwatch.watcher.query.language.logs import LEVELS
from whisperwatch.watcher.settings.misspelt import did_you_mean, nearest
from whisperwatch.watcher.settings.values import duration
from whisperwatch.watcher.web.health import answer
from whisperwatch.watcher.web.no_api import TOKEN
from whisperwatch.watcher.web.openapi import document
from whisperwatch.watcher.web.rate import Rate

PER_MINUTE: Final = 120
"""Requests that are answered; as many may come at once."""
_WRONG_PER_MINUTE: Final = 10
"""Wrong tokens from one address."""
_AT_ONCE: Final = 4
"""Reports that are made at the same time: the stores have other things to do."""
_MOST: Final = 10_000
_BEARER: Final = "Bearer "
_MINUTE_S: Final = 60.0
_HEX: Final = frozenset("0123456789abcdef")

Handler = Callable[[Request], Awaitable[Response]]
Show = Callable[[str, Mapping[str, Any]], Awaitable[Shown]]
"""From a report's name and its arguments to the page that a person reads."""


class WrongError(ValueError):
    """A parameter is wrong; the message says which and what would be right."""


class UnknownError(ValueError):
    """There is no such report."""


class Api:
    """The routes of the report API.

    Args:
        asking: asks the stores.
        token: what has to be shown.
        show: makes pages.
        clean: takes secrets out of what leaves.
    """

    def __init__(
        self,
        asking: Asking,
        token: str,
        show: Show,
        clean: Callable[[Any], Any] = lambda content: content,
    ) -> None:
        self._asking, self._token, self._show, self._clean = asking, token, show, clean
        self._rate = Rate(PER_MINUTE, 60 / PER_MINUTE)
        self._wrong = Rate(_WRONG_PER_MINUTE, 60 / _WRONG_PER_MINUTE)
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    def routes(self) -> Sequence[Route]:
        """All of them."""
        handlers: dict[str, Handler] = {
            "/api/v1/openapi.json": self.openapi,
            "/api/v1/reports": self.reports,
            "/api/v1/reports/{name}": self.report,
            "/api/v1/reports/{name}/page": self.page,
            "/api/v1/logs": self.logs,
            "/api/v1/traces": self.traces,
            "/api/v1/traces/{id}": self.trace,
        }
        return [Route(path, self._guarded(handler)) for path, handler in handlers.items()]

    async def openapi(self, _: Request) -> Response:
        """What there is."""
        return answer(document(), 200)

    async def reports(self, _: Request) -> Response:
        """The reports' names."""
        told = [{"name": name, "help": kind.help, "of": kind.of} for name, kind in REPORTS.items()]
        return answer({"reports": told}, 200)

    async def report(self, request: Request) -> Response:
        """One report."""
        kind = _kind(request)
        given = _given(request, "period", "of", "form")
        over_s, of = _asked(given, kind)
        if _one_of(given, "form", ("json", "text"), "json") == "text":
            page = await self._show(request.path_params["name"], {"over_s": over_s, "of": of})
            text = self._clean(page.text) + "\n"
            return Response(text, headers={"cache-control": "no-store"}, media_type="text/plain")
        return self._told(plain(await kind.make(self._asking, over_s, of)))

    async def page(self, request: Request) -> Response:
        """One report as a terminal shows it: its page as text, and its chart as data."""
        over_s, of = _asked(_given(request, "period", "of"), _kind(request))
        page = await self._show(request.path_params["name"], {"over_s": over_s, "of": of})
        return self._told(plain(page))

    async def logs(self, request: Request) -> Response:
        """The newest log records that fit."""
        given = _given(
            request,
            "level",
            "component",
            "logger",
            "search",
            "trace_id",
            "instance",
            "since",
            "lines",
            "before",
        )
        filter = LogFilter(
            level=_one_of(given, "level", tuple(LEVELS), None),
            components=(_one_of(given, "component", COMPONENTS),) if "component" in given else (),
            logger=given.get("logger"),
            text=given.get("search"),
            trace_id=_trace_id(given["trace_id"]) if "trace_id" in given else None,
            instance=given.get("instance"),
        )
        period = Period(_seconds(given, "since", DAY_S))
        before = _whole(given, "before", 2**63 - 1, None)
        found = await self._asking.logs(
            LogQuestion(period, filter, _whole(given, "lines", _MOST, 50), before)
        )
        return self._told({"records": plain(found.records), "more": found.more}, found)

    async def traces(self, request: Request) -> Response:
        """The newest traces that fit, or the slowest."""
        given = _given(request, "root", "longer", "error", "order", "since", "lines", "instance")
        error = {"true": True, "false": False, None: None}[_one_of(given, "error", ("true", "false"), None)]
        search = TraceSearch(
            Period(_seconds(given, "since", DAY_S)),
            roots=(given["root"],) if "root" in given else (),
            longer_s=_seconds(given, "longer", 0.0) if "longer" in given else None,
            error=error,
            instance=given.get("instance"),
            most=_whole(given, "lines", 1000, 20),
            slowest=_one_of(given, "order", ("newest", "slowest"), "newest") == "slowest",
        )
        found = await self._asking.search(search)
        return self._told({"traces": plain(found.traces), "more": found.more}, found)

    async def trace(self, request: Request) -> Response:
        """One trace whole."""
        _given(request)
        found = await self._asking.trace(TraceQuestion(_trace_id(request.path_params["id"])))
        if not found.spans and not found.problems:
            return answer({"error": "There is no such trace, or it is not kept any more."}, 404)
        return self._told({"spans": plain(found.spans)}, found)

    def _told(self, content: dict[str, Any], found: Answer | None = None) -> Response:
        """With what failed, where something did. Nothing but failures is no success."""
        if found is None:
            return answer(self._clean(content), 200)
        problems = [problem.what for problem in found.problems]
        empty = not any(content.values())
        told = {**content, "notes": list(found.notes), "missing": problems}
        return answer(self._clean(told), 503 if problems and empty else 200)

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            if (refusal := self._refusal(request)) is not None:
                return refusal
            try:
                async with self._at_once:
                    return await handler(request)
            except UnknownError as error:
                return answer({"error": str(error), "reports": list(REPORTS)}, 404)
            except (WrongError, QuestionError) as error:
                return answer({"error": str(error)}, 400)

        return guarded

    def _refusal(self, request: Request) -> Response | None:
        who = request.client.host if request.client is not None else ""
        shown = request.headers.get("authorization", "")
        given = shown[len(_BEARER) :] if shown.startswith(_BEARER) else ""
        if (wait_s := self._wrong.wait_s(who, cost=0)) > 0:
            return _later(wait_s)
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            self._wrong.wait_s(who)
            text = f"This needs `Authorization: Bearer` and the token in {TOKEN}."
            return answer({"error": text}, 401, {"www-authenticate": "Bearer"})
        if (wait_s := self._rate.wait_s("")) > 0:
            return _later(wait_s)
        return None


def _later(wait_s: float) -> Response:
    return answer({"error": "Too many requests."}, 429, {"retry-after": str(math.ceil(wait_s))})


def _kind(request: Request) -> Kind:
    name = request.path_params["name"]
    if (kind := REPORTS.get(name)) is None:
        raise UnknownError(f"There is no report {name:.80}{did_you_mean(nearest(name, REPORTS))}.")
    return kind


def _asked(given: Mapping[str, str], kind: Kind) -> tuple[float, str]:
    """How far back, and of what."""
    over_s = _seconds(given, "period", kind.over_s, least=_MINUTE_S)
    return over_s, _one_of(given, "of", kind.of) if kind.of or "of" in given else ""


def _given(request: Request, *known: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            there_are = f"there are {', '.join(known)}" if known else "it takes none"
            raise WrongError(
                f"there is no parameter {name[:40]!r}{did_you_mean(nearest(name, known))}: {there_are}"
            )
        if name in given:
            raise WrongError(f"{name} is given twice")
        given[name] = value
    return given


def _one_of(given: Mapping[str, str], name: str, choices: Sequence[str], unless_said: Any = ...) -> Any:
    value = given.get(name, unless_said)
    if value is unless_said and unless_said is not ...:
        return value
    if value not in choices:
        raise WrongError(
            f"{name} should be one of {', '.join(choices)}" if choices else f"it takes no {name}"
        )
    return value


def _seconds(given: Mapping[str, str], name: str, unless_said: float, least: float = 0.0) -> float:
    if name not in given:
        return unless_said
    try:
        found = duration(given[name])
    except ValueError:
        found = -1.0
    at_least = f", from {least:g} s on" if least else ""
    if not least <= found < math.inf:
        raise WrongError(f"{name}={given[name][:40]!r} is no duration such as 30m, 6h or 7d{at_least}")
    return found


def _whole(given: Mapping[str, str], name: str, most: int, unless_said: Any) -> Any:
    if name not in given:
        return unless_said
    text = given[name]
    if not text.isdecimal() or len(text) > 19 or not 1 <= int(text) <= most:
        raise WrongError(f"{name}={text[:40]!r} is no number from 1 to {most}")
    return int(text)


def _trace_id(text: str) -> str:
    found = text.lower()
    if len(found) != 32 or set(found) - _HEX:
        raise WrongError(f"{text[:40]!r} is no trace id: it has 32 hexadecimal digits")
    return found
