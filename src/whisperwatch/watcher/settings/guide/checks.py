"""How patient the checks of the components are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from whisperwatch.watcher.settings import values
from whisperwatch.watcher.settings.reading import Group, setting

_DURATION: Final = "a duration such as 30s, 500ms or 5m"
_LATER: Final = "the active checks of the components"


@dataclass(frozen=True, kw_only=True)
class Checks(Group):
    """Attempts at one component, under one deadline."""

    title: ClassVar[str] = "Checks of the components"
    timeout_s: float = setting(
        "HEALTH_CHECK_TIMEOUT",
        yaml="monitoring.health_checks.timeout",
        default=30.0,
        parse=values.seconds,
        help="How long all attempts at one component may take together. Plain numbers are seconds.",
        right=_DURATION,
        later=_LATER,
    )
    attempts: int = setting(
        "HEALTH_CHECK_RETRY_ATTEMPTS",
        yaml="monitoring.health_checks.retry_attempts",
        default=3,
        parse=values.whole(1, 20),
        help="How often a component is tried before it is unhealthy.",
        right="a whole number from 1 to 20",
        later=_LATER,
    )
    delay_s: float = setting(
        "HEALTH_CHECK_RETRY_DELAY",
        yaml="monitoring.health_checks.retry_delay",
        default=5.0,
        parse=values.seconds,
        help="The wait between two attempts. Plain numbers are seconds.",
        right=_DURATION,
        later=_LATER,
    )
