"""The settings of the embedded store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from . import values
from .reading import Group, setting

_RIGHT: Final = "a duration from 1h to 10 years, such as 7d"


@dataclass(frozen=True, kw_only=True)
class Keeping(Group):
    """Where telemetry is kept, and for how long."""

    title: ClassVar[str] = "The embedded store"
    enabled: bool = setting(
        "WHISPERWATCH_STORE",
        default=True,
        parse=values.switch,
        help="Whether what the bot does is kept in a file of the state directory, from which commands and "
        "`whisperwatch query|logs|traces` answer where no other store is set.",
        right="true or false",
        off="Nothing is kept: only stores that are set (`PROMETHEUS_URL`, `LOKI_URL`, `TEMPO_URL`) can be asked.",
    )
    path: str | None = setting(
        "WHISPERWATCH_STORE_PATH",
        default=None,
        parse=str,
        help="The store's file. Not on a network file system; one watcher writes it.",
        right="a path",
        unset="`store.db` in the state directory",
    )
    size_bytes: int = setting(
        "WHISPERWATCH_STORE_SIZE",
        default=10**9,
        parse=values.size,
        help="How large it may become. Then the oldest of the signal that has most beyond its share goes first "
        "(metrics 40 %, logs 25 %, traces 25 %).",
        right="a size such as 500MB or 2GB",
        live=True,
    )
    logs_s: float = setting(
        "WHISPERWATCH_LOG_RETENTION",
        yaml="monitoring.logs.retention_period",
        default=7 * 86_400.0,
        parse=values.retention,
        help="How long log records are kept; errors among them as long as `ERROR_RETENTION_PERIOD` says, where that is "
        "longer. Plain numbers are days.",
        right=_RIGHT,
        live=True,
    )
    traces_s: float = setting(
        "WHISPERWATCH_TRACE_RETENTION",
        yaml="monitoring.traces.retention_period",
        default=86_400.0,
        parse=values.retention,
        help="How long all traces are kept; those with an error, and the slowest twentieth of each kind, as long as "
        "errors (`ERROR_RETENTION_PERIOD`). Plain numbers are days.",
        right=_RIGHT,
        live=True,
    )
    metrics_s: float = setting(
        yaml="monitoring.metrics.retention_period",
        default=30 * 86_400.0,
        parse=values.retention,
        help="How long metrics are kept. Plain numbers are days.",
        right=_RIGHT,
        live=True,
    )
    fine_s: float = setting(
        "PERFORMANCE_METRICS_RETENTION",
        default=30 * 86_400.0,
        parse=values.retention,
        help="How long they are kept by five minutes, where that is shorter; then by the hour. Plain numbers are days.",
        right=_RIGHT,
        live=True,
    )
    raw_s: float = setting(
        yaml="monitoring.metrics.high_resolution_period",
        default=6 * 3600.0,
        parse=values.hours,
        help="How long they are kept by 15 seconds. Plain numbers are hours.",
        right="a duration from 1m to a year, such as 6h",
        live=True,
    )
    errors_s: float = setting(
        "ERROR_RETENTION_PERIOD",
        default=30 * 86_400.0,
        parse=values.retention,
        help="How long errors are kept: log records of level error and above or with an error's category, and the "
        "traces that have one. Plain numbers are days.",
        right=_RIGHT,
        live=True,
    )
