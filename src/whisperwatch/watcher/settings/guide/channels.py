"""Where alerts are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from whisperwatch.watcher.settings import values
from whisperwatch.watcher.settings.reading import Group, setting

_LATER: Final = "the alert channels"
_WEBHOOK: Final = "an https URL"


def _enabled(name: str, where: str) -> Any:
    return setting(
        name,
        default=False,
        parse=values.switch,
        help=f"Whether alerts are told {where}.",
        right="true or false",
        off=f"Nothing is told {where}.",
        later=_LATER,
    )


def _secret(name: str, parse: Any, help: str, right: str) -> Any:
    return setting(
        name, default=None, parse=parse, help=help, right=right, secret=True, unset="none", later=_LATER
    )


@dataclass(frozen=True, kw_only=True)
class Channels(Group):
    """Discord, email, Slack and PagerDuty."""

    title: ClassVar[str] = "Alert channels"
    discord: bool = _enabled("ALERT_DISCORD_ENABLED", "in a channel of Discord")
    discord_webhook: str | None = _secret(
        "ALERT_DISCORD_WEBHOOK", values.https, "The webhook of that channel.", _WEBHOOK
    )
    email: bool = _enabled("ALERT_EMAIL_ENABLED", "by email")
    email_host: str | None = setting(
        "ALERT_EMAIL_SMTP_HOST",
        default=None,
        parse=values.host,
        help="The mail server.",
        right="a host, or host:port",
        unset="none",
        later=_LATER,
    )
    email_to: tuple[str, ...] = setting(
        "ALERT_EMAIL_TO",
        default=(),
        parse=values.emails,
        help="Who gets the mails.",
        right="addresses with commas between",
        unset="nobody",
        later=_LATER,
    )
    slack: bool = _enabled("ALERT_SLACK_ENABLED", "in Slack")
    slack_webhook: str | None = _secret(
        "ALERT_SLACK_WEBHOOK", values.https, "The incoming webhook of Slack.", _WEBHOOK
    )
    pagerduty: bool = _enabled("ALERT_PAGERDUTY_ENABLED", "to PagerDuty")
    pagerduty_key: str | None = _secret(
        "ALERT_PAGERDUTY_INTEGRATION_KEY",
        values.secret,
        "The key of PagerDuty's integration.",
        "an integration key",
    )
