"""When the servers that a bot uses are asked, and who may read what they answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from whisperwatch.semconv import COMPONENT_ALIASES, HEALTH_COMPONENTS

from . import values
from .reading import Group, setting

_DURATION = "a duration such as 30s, 500ms or 5m"


def components(given: Any) -> frozenset[str]:
    """Names of components with commas between, or `none`."""
    text = ",".join(map(str, given)) if isinstance(given, list) else str(given)
    if text.strip().lower() == "none":
        return frozenset()
    found = values.words(*HEALTH_COMPONENTS, *COMPONENT_ALIASES)(text)
    return frozenset(COMPONENT_ALIASES.get(name, name) for name in found)


@dataclass(frozen=True, kw_only=True)
class Health(Group):
    """What health asks, and who may ask it."""

    title: ClassVar[str] = "Health of the components"
    active: bool = setting(
        "HEALTH_CHECK_ACTIVE",
        default=True,
        parse=values.switch,
        help="Whether the watcher asks the servers that the bot uses how they are (`SELECT 1`, `PING`, a heartbeat, "
        "the list of models). `false` leaves what the bot's own calls tell.",
        right="true or false",
        live=True,
    )
    timeout_s: float = setting(
        "HEALTH_CHECK_TIMEOUT",
        yaml="monitoring.health_checks.timeout",
        default=30.0,
        parse=values.seconds,
        help="Within which a server has to give a good answer, all attempts and the waits between them together: then "
        "it is unhealthy. Plain numbers are seconds.",
        right=_DURATION,
        live=True,
    )
    attempts: int = setting(
        "HEALTH_CHECK_RETRY_ATTEMPTS",
        yaml="monitoring.health_checks.retry_attempts",
        default=3,
        parse=values.whole(1, 20),
        help="How often a server is asked before it is called unhealthy. From the first failure on it is suspect.",
        right="a whole number from 1 to 20",
        live=True,
    )
    delay_s: float = setting(
        "HEALTH_CHECK_RETRY_DELAY",
        yaml="monitoring.health_checks.retry_delay",
        default=5.0,
        parse=values.seconds,
        help="How long to wait between two attempts. Plain numbers are seconds.",
        right=_DURATION,
        live=True,
    )
    critical: frozenset[str] = setting(
        "HEALTH_CHECK_CRITICAL",
        yaml="monitoring.health_checks.critical",
        default=frozenset({"discord"}),
        parse=components,
        help="Components that make `/health` answer 503 when they are unhealthy; the others make it `degraded`. "
        f"Of {', '.join(f'`{name}`' for name in HEALTH_COMPONENTS)}; or `none`.",
        right="names of components with commas between, or none",
        unset="discord",
        live=True,
    )
    token: str | None = setting(
        "HEALTH_CHECK_TOKEN",
        default=None,
        parse=values.token,
        help="What `/health/detailed` and `/health/component/…` ask for (`Authorization: Bearer …`). Without one they "
        "answer on loopback addresses only.",
        right="16 characters or more, without spaces",
        secret=True,
        unset="none",
    )
