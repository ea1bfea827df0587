"""The collector of the benchmark: takes OTLP/HTTP, counts the command spans by service, and knows their trees.

Its port is the first argument, or a free one that it prints.
"""

from __future__ import annotations

import gzip
import socket
import sys
from collections import Counter, defaultdict
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_SORTS = ("db.system.name", "db.system", "gen_ai.operation.name")
"""Attributes that say of a span what it is; of others the name's first word does."""

_WAITS = ("acquire", "connect")
"""Spans that are there only where something was slow, or for the first time."""


class Trees:
    """The spans of one service: for each trace, (sort, parent) by span id."""

    def __init__(self) -> None:
        self._traces: dict[bytes, dict[bytes, tuple[str, bytes]]] = defaultdict(dict)

    def add(self, span: Any) -> None:
        if span.name in _WAITS:
            return
        attributes = {attribute.key: attribute.value.string_value for attribute in span.attributes}
        sort = next((attributes[key] for key in _SORTS if key in attributes), span.name.partition(" ")[0])
        self._traces[span.trace_id][span.span_id] = (sort, span.parent_span_id)

    def shapes(self) -> Counter[str]:
        """How many traces look like `event(command(postgresql redis))`."""
        return Counter(_shape(spans) for spans in self._traces.values())


def _shape(spans: dict[bytes, tuple[str, bytes]]) -> str:
    below: dict[bytes, list[bytes]] = defaultdict(list)
    for span, (_, parent) in spans.items():
        below[parent if parent in spans else b""].append(span)

    def told(span: bytes) -> str:
        inner = " ".join(sorted(map(told, below[span])))
        return f"{spans[span][0]}({inner})" if inner else spans[span][0]

    return " ".join(sorted(map(told, below[b""])))


def main() -> None:
    app = web.Application(client_max_size=1 << 28)
    seen: Counter[str] = Counter()
    logged: Counter[str] = Counter()
    trees: defaultdict[str, Trees] = defaultdict(Trees)

    async def traces(request: web.Request) -> web.Response:
        body = await request.read()
        message = ExportTraceServiceRequest.FromString(
            gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        )
        for resource in message.resource_spans:
            service = next(
                (a.value.string_value for a in resource.resource.attributes if a.key == "service.name"), ""
            )
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                seen[service] += span.name.startswith("command ")
                trees[service].add(span)
        return web.Response()

    async def logs(request: web.Request) -> web.Response:
        body = await request.read()
        message = ExportLogsServiceRequest.FromString(
            gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        )
        for resource in message.resource_logs:
            attributes = {one.key: one.value.string_value for one in resource.resource.attributes}
            for record in (record for scope in resource.scope_logs for record in scope.log_records):
                logged[attributes.get("service.name", "")] += record.body.string_value.startswith("command ")
        return web.Response()

    async def count_logs(request: web.Request) -> web.Response:
        return web.Response(text=str(logged[request.query["who"]]))

    async def metrics(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    async def count(request: web.Request) -> web.Response:
        return web.Response(text=str(seen[request.query["who"]]))

    async def shapes(request: web.Request) -> web.Response:
        return web.json_response(trees[request.query["who"]].shapes())

    app.add_routes([
        web.post("/v1/traces", traces), web.post("/v1/metrics", metrics), web.post("/v1/logs", logs),
        web.get("/logged", count_logs),
        web.get("/seen", count), web.get("/shapes", shapes),
    ])  # fmt: skip
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    print(listener.getsockname()[1], flush=True)
    web.run_app(app, sock=listener, print=None)


if __name__ == "__main__":
    main()
