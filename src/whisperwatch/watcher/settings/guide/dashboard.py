"""The web dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from whisperwatch.watcher.settings import values
from whisperwatch.watcher.settings.reading import Group, setting

_LATER: Final = "the web dashboard"


@dataclass(frozen=True, kw_only=True)
class Dashboard(Group):
    """The web dashboard."""

    title: ClassVar[str] = "Web dashboard"
    enabled: bool = setting(
        "ENABLE_WEB_DASHBOARD",
        default=False,
        parse=values.switch,
        help="Whether the dashboard is served.",
        right="true or false",
        off="No dashboard is served, and `dashboard` answers that it is off.",
        later=_LATER,
    )
    port: int = setting(
        "DASHBOARD_PORT",
        default=8080,
        parse=values.whole(0, 65535),
        help="Its port; 0 takes any free one.",
        right="a port from 0 to 65535",
        later=_LATER,
    )
    secret_key: str | None = setting(
        "DASHBOARD_SECRET_KEY",
        default=None,
        parse=values.secret,
        help="What its access tokens are signed with.",
        right="a long random text",
        secret=True,
        unset="none",
        later=_LATER,
    )
    session_s: float = setting(
        "DASHBOARD_SESSION_TIMEOUT",
        default=86400.0,
        parse=values.seconds,
        help="How long an access token is good for. Plain numbers are seconds.",
        right="a duration such as 24h",
        later=_LATER,
    )
    refresh_s: float = setting(
        yaml="monitoring.dashboard.refresh_interval",
        default=30.0,
        parse=values.seconds,
        help="How often a page asks for new values. Plain numbers are seconds.",
        right="a duration such as 30s",
        later=_LATER,
    )
    data_s: float = setting(
        yaml="monitoring.dashboard.data_retention",
        default=86400.0,
        parse=values.hours,
        help="How far back its graphs go. Plain numbers are hours.",
        right="a duration from 1m to a year, such as 24h",
        later=_LATER,
    )
    users: int = setting(
        yaml="monitoring.dashboard.max_concurrent_users",
        default=10,
        parse=values.whole(1, 10_000),
        help="How many may look at once.",
        right="a whole number from 1 to 10000",
        later=_LATER,
    )
