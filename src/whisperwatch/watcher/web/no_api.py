"""What is there instead of the report API where no token is set: a sentence, and none of its modules."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whisperwatch.watcher.web.health import answer

TOKEN: Final = "WHISPERWATCH_API_TOKEN"


async def _off(_: Request) -> Response:
    return answer({"error": f"The report API is off: set {TOKEN}."}, 403)


NO_API: Final = Route("/api/v1/{path:path}", _off)
