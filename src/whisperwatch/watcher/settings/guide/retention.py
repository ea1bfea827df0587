"""How long the embedded store keeps what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from whisperwatch.watcher.settings import values
from whisperwatch.watcher.settings.reading import Group, setting

_RIGHT: Final = "a duration from 1h to 10 years, such as 7d"
_LATER: Final = "the embedded store"


@dataclass(frozen=True, kw_only=True)
class Retention(Group):
    """What is kept, and for how long."""

    title: ClassVar[str] = "Retention"
    metrics_s: float = setting(
        "PERFORMANCE_METRICS_RETENTION",
        yaml="monitoring.metrics.retention_period",
        default=30 * 86400.0,
        parse=values.retention,
        help="How long metrics are kept. Plain numbers are days.",
        right=_RIGHT,
        later=_LATER,
    )
    high_resolution_s: float = setting(
        yaml="monitoring.metrics.high_resolution_period",
        default=6 * 3600.0,
        parse=values.hours,
        help="How long every single value of them is kept, before values are rolled up. Plain numbers are hours.",
        right="a duration from 1m to a year, such as 6h",
        later=_LATER,
    )
    errors_s: float = setting(
        "ERROR_RETENTION_PERIOD",
        default=30 * 86400.0,
        parse=values.retention,
        help="How long errors are kept. Plain numbers are days.",
        right=_RIGHT,
        later=_LATER,
    )
