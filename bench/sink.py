"""The collector of the benchmark: takes OTLP/HTTP, and counts the command spans by who sent them."""

from __future__ import annotations

import gzip
import socket
from collections import Counter

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def main() -> None:
    app = web.Application(client_max_size=1 << 28)
    seen: Counter[str] = Counter()

    async def traces(request: web.Request) -> web.Response:
        body = await request.read()
        message = ExportTraceServiceRequest.FromString(
            gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        )
        for resource in message.resource_spans:
            service = next(
                (a.value.string_value for a in resource.resource.attributes if a.key == "service.name"), ""
            )
            for scope in resource.scope_spans:
                commands = sum(span.name.startswith("command ") for span in scope.spans)
                seen["bench" if scope.scope.name == "bench" else service] += commands
        return web.Response()

    async def metrics(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    async def count(request: web.Request) -> web.Response:
        return web.Response(text=str(seen[request.query["who"]]))

    app.add_routes(
        [web.post("/v1/traces", traces), web.post("/v1/metrics", metrics), web.get("/seen", count)]
    )
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    web.run_app(app, sock=listener, print=None)


if __name__ == "__main__":
    main()
