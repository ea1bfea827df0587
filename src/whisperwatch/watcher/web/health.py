"""The health routes: what they answer, to whom, and in which form."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whisperwatch.semconv import COMPONENT_ALIASES
from whisperwatch.version import __version__
from whisperwatch.watcher.health.report import Report, json_pass_warn_fail
from whisperwatch.watcher.health.watch import HealthWatch

NO_STORE: Final = {"cache-control": "no-store"}
HEALTH_JSON: Final = "application/health+json"
Clean = Callable[[Any], Any]
"""From what a page is to say to what it may: without secrets."""
_BEARER: Final = "Bearer "


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read more than a status.

    Attributes:
        public: others than this machine can reach the routes.
        token: what has to be shown; without one everybody may where nobody else can come.
    """

    public: bool = False
    token: str | None = field(default=None, repr=False)

    def allows(self, request: Request) -> bool:
        """Whether this request may."""
        if self.token is None:
            return not self.public
        shown = request.headers.get("authorization", "")
        given = shown[len(_BEARER) :] if shown.startswith(_BEARER) else ""
        return hmac.compare_digest(given.encode(), self.token.encode())

    def refusal(self) -> Response:
        """What to tell who may not."""
        if self.token is None:
            text = "Set HEALTH_CHECK_TOKEN to read this from addresses that others can reach."
            return answer({"error": text}, 403)
        text = "This needs `Authorization: Bearer` and the token in HEALTH_CHECK_TOKEN."
        return answer({"error": text}, 401, {"www-authenticate": "Bearer"})


class HealthAnswers:
    """The health routes; a body is rendered once for each report."""

    def __init__(
        self, health: HealthWatch, live_after_s: float, access: Access, clean: Clean = lambda content: content
    ) -> None:
        self._clean = clean
        self._health = health
        self._live_after_s = live_after_s
        self._access = access
        self._rendered: dict[str, tuple[Report, bytes]] = {}

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return [
            Route("/health", self.health),
            Route("/health/live", self.live),
            Route("/health/ready", self.ready),
            Route("/health/detailed", self.detailed),
            Route("/health/component/{name}", self.component),
        ]

    async def health(self, request: Request) -> Response:
        """The whole; to strangers the status alone."""
        report = await self._health.look()
        if not self._access.allows(request):
            return self._told(report, "status", lambda: {"status": report.status})
        if HEALTH_JSON in request.headers.get("accept", ""):
            return self._told(
                report, HEALTH_JSON, lambda: json_pass_warn_fail(report, __version__), HEALTH_JSON
            )
        return self._told(report, "health", lambda: {**report.as_json(), "version": __version__})

    async def detailed(self, request: Request) -> Response:
        """The whole, with the numbers."""
        if not self._access.allows(request):
            return self._access.refusal()
        report = await self._health.look()
        if HEALTH_JSON in request.headers.get("accept", ""):
            return self._told(
                report, HEALTH_JSON, lambda: json_pass_warn_fail(report, __version__), HEALTH_JSON
            )
        return self._told(
            report, "detailed", lambda: {**report.as_json(detailed=True), "version": __version__}
        )

    async def component(self, request: Request) -> Response:
        """One component."""
        if not self._access.allows(request):
            return self._access.refusal()
        report = await self._health.look()
        asked = request.path_params["name"]
        found = report.component(COMPONENT_ALIASES.get(asked, asked))
        if found is None:
            names = [one.name for one in report.components]
            return answer({"error": "There is no such component.", "components": names}, 404)
        return answer(self._clean(found.as_json()), 503 if found.status == "unhealthy" else 200)

    async def live(self, _: Request) -> Response:
        """Whether a restart would help."""
        stuck = (await self._health.look()).not_live(self._live_after_s)
        return answer({"live": not stuck, "reasons": self._clean(stuck)}, 503 if stuck else 200)

    async def ready(self, _: Request) -> Response:
        """Whether every shard is there."""
        missing = (await self._health.look()).not_ready
        return answer({"ready": not missing, "reasons": self._clean(missing)}, 503 if missing else 200)

    def _told(
        self, report: Report, form: str, make: Callable[[], Any], media_type: str = "application/json"
    ) -> Response:
        rendered = self._rendered.get(form)
        if rendered is None or rendered[0] is not report:
            rendered = self._rendered[form] = report, encoded(self._clean(make()))
        status = 503 if report.status == "unhealthy" else 200
        return Response(rendered[1], status, {**NO_STORE, "vary": "Accept, Authorization"}, media_type)


def answer(content: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that nobody keeps."""
    return Response(encoded(content), status, {**(headers or {}), **NO_STORE}, "application/json")


def encoded(content: Any) -> bytes:
    """JSON, and a line's end for terminals."""
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"
