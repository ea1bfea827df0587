"""Logs, answered by Loki."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.naming import label_name
from whisperwatch.watcher.query.answers import LogAnswer, LogRecord, Series
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Grid, LogFilter
from whisperwatch.watcher.query.language.logs import LEVELS, LogKey
from whisperwatch.watcher.query.loki.rendering import JOINT, KEYS, counts, logs

_POINTS: Final = 10_000
_OWN: Final = frozenset(
    {
        "bot_component", "detected_level", "event_name", "flags", "observed_timestamp", "scope_name", "scope_version",
        "service_instance_id", "service_name", "service_version", "severity_number", "severity_text", "span_id",
        "trace_id",
    }
)  # fmt: skip
_ATTRIBUTES: Final = {label_name(attribute.key): attribute.key for attribute in semconv.ATTRIBUTES}
"""OpenTelemetry's keys of the labels that Loki makes of them; of others nobody can tell."""
_RESOURCE: Final = (
    "cloud_", "container_", "deployment_", "faas_", "host_", "k8s_", "os_", "process_", "service_", "telemetry_",
)  # fmt: skip
"""How attributes of the resource begin, which Loki puts beside a record's own."""


class Loki:
    """A `LogEngine`.

    Args:
        service: the `service.name` of this bot; None asks for all.
        resource: keys of its resource's attributes beside OpenTelemetry's, which are no record's own.
    """

    name = "loki"

    def __init__(self, client: StoreClient, service: str | None = None, resource: Iterable[str] = ()) -> None:
        self._client, self._service = client, service
        self._others = _OWN | set(map(label_name, resource))

    async def logs(
        self, filter: LogFilter, start: float, end: float, most: int, before: int | None
    ) -> LogAnswer:
        """See `engines.LogEngine`."""
        # Loki's range holds its start and not its end
        first, last = int(start * 1e9) + 1, int(end * 1e9) + 1
        if before is not None:
            last = min(last, before)
        if last <= first:
            return LogAnswer(())
        told = await self._ask(
            {
                "query": logs(filter, self._service), "start": str(first), "end": str(last),
                "limit": str(most + 1), "direction": "backward",
            },
            "streams",
        )  # fmt: skip
        try:
            found = [record for stream in told for record in self._records(stream, bool(filter.text))]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._strange() from None
        found.sort(key=lambda record: record.at, reverse=True)
        return LogAnswer(tuple(found[:most]), len(found) > most)

    async def count(self, filter: LogFilter, by: tuple[LogKey, ...], grid: Grid) -> Sequence[Series]:
        """See `engines.LogEngine`."""
        # Loki moves times to whole steps since 1970: it is asked for those, and for windows as much earlier
        step = grid.step if len(grid) > 1 else 1
        late = -grid.first % step
        query = counts(filter, by, grid.window, self._service, late)
        asked = Grid(grid.first + late, grid.last + late, step, grid.window)
        parts = await asyncio.gather(*[self._counted(query, part) for part in _parts(asked)])
        try:
            groups = _points((one for part in parts for one in part), by, asked.first)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._strange() from None
        return [
            Series(dict(zip(by, group, strict=True)), tuple((at - late, points[at]) for at in sorted(points)))
            for group, points in groups.items()
        ]

    async def _counted(self, query: str, grid: Grid) -> list[Mapping[str, Any]]:
        # a step more: where Loki splits a question at its start, it leaves the first point out
        form = {
            "query": query, "start": str((grid.first - grid.step) * 10**9), "end": str(grid.last * 10**9),
            "step": f"{grid.step}s",
        }  # fmt: skip
        return await self._ask(form, "matrix")

    def _records(self, stream: Mapping[str, Any], joined: bool) -> Iterator[LogRecord]:
        labels: Mapping[str, str] = stream["stream"]
        attributes = {
            _ATTRIBUTES.get(label, label): value
            for label, value in labels.items()
            if (label in _ATTRIBUTES and label not in _OWN)
            or not (label in self._others or label.startswith(_RESOURCE))
        }
        yield from _read(stream, labels, attributes, joined)

    async def _ask(self, form: Mapping[str, str], kind: str) -> list[Mapping[str, Any]]:
        told = await self._client.post("/loki/api/v1/query_range", form)
        try:
            if told["status"] != "success" or told["data"]["resultType"] != kind:
                shown = self._client.target.shown
                raise EngineError(f"Loki ({shown}) says: {told.get('error', told['status'])}")
            found: list[Mapping[str, Any]] = told["data"]["result"]
        except (KeyError, TypeError, AttributeError):
            raise self._strange() from None
        return found

    def _strange(self) -> EngineError:
        return EngineError(
            f"Loki ({self._client.target.shown}) answers with other JSON than its API: is it one?"
        )


def _parts(grid: Grid) -> Iterator[Grid]:
    for first in range(grid.first, grid.last + 1, grid.step * _POINTS):
        yield Grid(first, min(grid.last, first + grid.step * (_POINTS - 1)), grid.step, grid.window)


def _points(
    found: Iterable[Mapping[str, Any]], by: tuple[LogKey, ...], first: int
) -> dict[tuple[str, ...], dict[int, float]]:
    """Of each group the numbers by time; of Loki's groups some may be one of ours."""
    groups: dict[tuple[str, ...], dict[int, float]] = {}
    for one in found:
        of_group = groups.setdefault(_group(one["metric"], by), {})
        for at, value in one["values"]:
            number, when = float(value), round(float(at))
            if math.isfinite(number) and when >= first:
                of_group[when] = of_group.get(when, 0.0) + number
    return groups


def _group(labels: Mapping[str, str], by: tuple[LogKey, ...]) -> tuple[str, ...]:
    return tuple(
        _level(int(labels.get(KEYS[key]) or 0)) if key == "level" else str(labels.get(KEYS[key], ""))
        for key in by
    )


def _level(severity: int) -> str:
    return next((name for name, least in reversed(LEVELS.items()) if severity >= least), "debug")


def _read(
    stream: Mapping[str, Any], labels: Mapping[str, str], attributes: Mapping[str, str], joined: bool
) -> Iterator[LogRecord]:
    ending = (
        f"{JOINT}{labels.get('exception_type', '')}: {labels.get('exception_message', '')}" if joined else ""
    )
    for at, line, *_ in stream["values"]:
        yield LogRecord(
            at=int(at),
            severity=int(labels.get("severity_number") or 0),
            level=labels.get("severity_text", ""),
            component=labels.get("bot_component", ""),
            logger=labels.get("scope_name", ""),
            body=str(line).removesuffix(ending),
            trace_id=labels.get("trace_id", ""),
            span_id=labels.get("span_id", ""),
            instance=labels.get("service_instance_id", ""),
            event=labels.get("event_name", ""),
            attributes=attributes,
        )
