"""Traces, answered by Tempo."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from whisperwatch.watcher.query.answers import (
    SpanEvent,
    SpanLink,
    SpanRecord,
    Trace,
    TraceList,
    Traces,
    TraceSummary,
)
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import TraceSearch
from whisperwatch.watcher.query.tempo import rendering

_SLOWEST_OF: Final = 1_000
_TOGETHER_S: Final = 4.0
"""How long several traces may take together."""
_KINDS: Final = {
    "SPAN_KIND_INTERNAL": "internal", "SPAN_KIND_SERVER": "server", "SPAN_KIND_CLIENT": "client",
    "SPAN_KIND_PRODUCER": "producer", "SPAN_KIND_CONSUMER": "consumer",
}  # fmt: skip
_STATUSES: Final = {"STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error", 1: "ok", 2: "error"}
_HEX: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")


class Tempo:
    """A `TraceEngine`.

    Args:
        service: the `service.name` of this bot; None asks for all.
    """

    name = "tempo"

    def __init__(self, client: StoreClient, service: str | None = None) -> None:
        self._client, self._service = client, service

    async def search(self, search: TraceSearch, start: float, end: float) -> TraceList:
        """See `engines.TraceEngine`."""
        most = _SLOWEST_OF if search.slowest else search.most + 1
        told = await self._client.get(
            "/api/search",
            {
                "q": rendering.search(search, self._service), "start": str(int(start)), "end": str(int(end) + 1),
                "limit": str(most), "spss": "1",
            },
        )  # fmt: skip
        try:
            found = [_summary(one, search.error) for one in told.get("traces") or ()]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._strange() from None
        found = [one for one in found if start * 1e9 < one.start <= end * 1e9]
        if search.error is False:
            found = [one for one in found if not one.error]
        notes: tuple[str, ...] = ()
        if search.slowest:
            found.sort(key=lambda one: one.duration_s, reverse=True)
            notes = (
                (f"Tempo can't sort: of up to {most:,} traces that it found",) if len(found) == most else ()
            )
        else:
            found.sort(key=lambda one: one.start, reverse=True)
        return TraceList(tuple(found[: search.most]), len(found) > search.most, notes=notes)

    async def trace(self, trace_id: str) -> Trace:
        """See `engines.TraceEngine`."""
        try:
            told = await self._client.get(f"/api/v2/traces/{trace_id}")
        except EngineError as error:
            if "answered 404" in str(error):
                return Trace(())
            raise
        try:
            spans = list(_spans(told.get("trace") or told, trace_id))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._strange() from None
        return Trace(tuple(sorted(spans, key=lambda span: (span.start, span.parent_id != ""))))

    async def traces(self, trace_ids: Sequence[str]) -> Traces:
        """See `engines.TraceEngine`. Tempo gives one at a time: what didn't come in time is left out, and said."""
        if not trace_ids:
            return Traces(())
        asked = [asyncio.ensure_future(self.trace(trace_id)) for trace_id in trace_ids]
        try:
            done, late = await asyncio.wait(asked, timeout=_TOGETHER_S)
        finally:
            for one in asked:
                one.cancel()
        failed = [error for one in asked if one in done and (error := one.exception()) is not None]
        if failed and len(failed) + len(late) == len(asked):
            raise failed[0]
        came = [one.result() for one in asked if one in done and one.exception() is None]
        missing = len(failed) + len(late)
        notes = (f"Tempo gave {len(came)} of {len(asked)} traces in {_TOGETHER_S:g} s",) if missing else ()
        return Traces(tuple(one for one in came if one.spans), notes=notes)

    def _strange(self) -> EngineError:
        return EngineError(
            f"Tempo ({self._client.target.shown}) answers with other JSON than its API: is it one?"
        )


def _summary(one: Mapping[str, Any], error: bool | None) -> TraceSummary:
    stats = one.get("serviceStats") or {}
    counted = [int(told.get("spanCount", 0)) for told in stats.values()]
    failed = any(int(told.get("errorCount", 0)) for told in stats.values())
    return TraceSummary(
        str(one["traceID"]).rjust(32, "0"),
        str(one.get("rootTraceName", "")),
        int(one["startTimeUnixNano"]),
        int(one.get("durationMs", 0)) / 1e3,
        failed or error is True,
        sum(counted) if counted else None,
    )


def _spans(trace: Mapping[str, Any], trace_id: str) -> Iterator[SpanRecord]:
    for resource in trace.get("resourceSpans") or trace.get("batches") or ():
        instance = _attributes(resource.get("resource") or {}).get("service.instance.id", "")
        for scope in resource.get("scopeSpans") or ():
            for span in scope.get("spans") or ():
                yield _record(span, trace_id, str(instance))


def _record(span: Mapping[str, Any], trace_id: str, instance: str) -> SpanRecord:
    status = span.get("status") or {}
    return SpanRecord(
        trace_id=trace_id,
        span_id=_id(span["spanId"]),
        parent_id=_id(span.get("parentSpanId") or ""),
        name=str(span.get("name", "")),
        kind=_KINDS.get(str(span.get("kind", "")), "internal"),
        start=int(span["startTimeUnixNano"]),
        end=int(span["endTimeUnixNano"]),
        status=_STATUSES.get(status.get("code", 0), "unset"),
        description=str(status.get("message", "")),
        attributes=_attributes(span),
        events=tuple(
            SpanEvent(str(event.get("name", "")), int(event["timeUnixNano"]), _attributes(event))
            for event in span.get("events") or ()
        ),
        links=tuple(
            SpanLink(_id(link["traceId"]), _id(link["spanId"]), _attributes(link))
            for link in span.get("links") or ()
        ),
        instance=instance,
    )


def _id(text: str) -> str:
    """Hex of an id, which JSON has as hex by OTLP's rules, and as base64 by protobuf's."""
    if not text or _HEX.fullmatch(text):
        return text
    return base64.b64decode(text).hex()


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {str(one["key"]): _value(one.get("value") or {}) for one in holder.get("attributes") or ()}


def _value(told: Mapping[str, Any]) -> Any:
    if "intValue" in told:
        return int(told["intValue"])
    if "arrayValue" in told:
        return [_value(one) for one in (told["arrayValue"] or {}).get("values") or ()]
    return next((value for value in told.values()), None)
