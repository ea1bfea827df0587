"""When alerts are looked at, and when they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from whisperwatch.watcher.settings import values
from whisperwatch.watcher.settings.reading import Group, setting

_DURATION: Final = "a duration such as 30s or 5m"
_LATER: Final = "the alert engine"


@dataclass(frozen=True, kw_only=True)
class Alerting(Group):
    """The alert engine; the waits are Alertmanager's, by its names."""

    title: ClassVar[str] = "Alerting"
    enabled: bool = setting(
        "ALERTING_ENABLED",
        default=True,
        parse=values.switch,
        help="Whether alerts are looked at and told.",
        right="true or false",
        off="No alert fires, and `alerts` answers that it is off.",
        later=_LATER,
    )
    interval_s: float = setting(
        "ALERT_EVALUATION_INTERVAL",
        yaml="monitoring.alerting.evaluation_interval",
        default=60.0,
        parse=values.seconds,
        help="How often the conditions are looked at. Plain numbers are seconds.",
        right=_DURATION,
        later=_LATER,
    )
    timeout_s: float = setting(
        "ALERT_NOTIFICATION_TIMEOUT",
        default=30.0,
        parse=values.seconds,
        help="How long telling one channel may take. Plain numbers are seconds.",
        right=_DURATION,
        later=_LATER,
    )
    group_wait_s: float = setting(
        yaml="monitoring.alerting.group_wait",
        default=30.0,
        parse=values.seconds,
        help="How long the first alert of a group waits for others. Plain numbers are seconds.",
        right=_DURATION,
        later=_LATER,
    )
    group_interval_s: float = setting(
        yaml="monitoring.alerting.group_interval",
        default=300.0,
        parse=values.seconds,
        help="How long a group that was told waits before new alerts of it are told. Plain numbers are seconds.",
        right=_DURATION,
        later=_LATER,
    )
    repeat_s: float = setting(
        yaml="monitoring.alerting.repeat_interval",
        default=12 * 3600.0,
        parse=values.seconds,
        help="After how long an alert that still fires is told again. Plain numbers are seconds.",
        right="a duration such as 12h",
        later=_LATER,
    )
