"""Above which values something isn't well: alerts.yaml. Reports are judged by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from whisperwatch.watcher.settings import values
from whisperwatch.watcher.settings.reading import Group, setting

_PERCENT: Final = "a number from 0 to 100"


def _percent(key: str, default: float, help: str) -> Any:
    return setting(
        yaml=f"alerts.{key}",
        default=default,
        parse=values.percent,
        help=help,
        right=_PERCENT,
        unset=f"`{default:g}`",
        live=True,
    )


@dataclass(frozen=True, kw_only=True)
class Thresholds(Group):
    """The thresholds of the guide's alerts, and of the reports' verdicts."""

    title: ClassVar[str] = "Alert thresholds"
    cpu: float = _percent("system.cpu_threshold", 80.0, "Above which use of the CPU, in percent.")
    memory: float = _percent("system.memory_threshold", 90.0, "Above which use of the memory, in percent.")
    disk: float = _percent("system.disk_threshold", 85.0, "Above which use of a disk, in percent.")
    error_rate: float = _percent(
        "application.error_rate_threshold", 5.0, "Above which share of errors, in percent."
    )
    response_s: float = setting(
        yaml="alerts.application.response_time_threshold",
        default=2.0,
        parse=values.milliseconds,
        help="Above which response time. Plain numbers are milliseconds.",
        right="a duration such as 2s, or a number of milliseconds",
        live=True,
    )
    user_drop: float = _percent(
        "business.user_drop_threshold", 20.0, "Above which drop of active users, in percent."
    )
