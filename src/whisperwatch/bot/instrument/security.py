"""Security events: a check of who somebody is, or what they may do. Counted, and recorded as a log event to audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import any_bot
from whisperwatch.bot.instrument.logs import recording

_INFO, _WARN = (9, "INFO"), (13, "WARN")
ADMIN_COMMAND: Final = "admin.command"
"""Somebody asks for an admin command. Only who may not is an event: who may is told of by what the command does."""
ADMIN_CONFIG: Final = "admin.config"
"""An admin changes a setting."""


def security(
    kind: str,
    outcome: str,
    source: str,
    attributes: Mapping[str, Any] | None = None,
    *,
    recorded: bool = True,
) -> None:
    """One event of this kind, `allowed`, `denied` or `failed`. Never raises.

    Args:
        source: as `bot.source` has it.
        attributes: further ones of the record; ids among them are hashed before they leave.
        recorded: False only counts it.
    """
    try:
        bot = any_bot()
        if bot is not None:
            bot.counted(semconv.SECURITY_EVENTS, kind, outcome, source).add(1)
        if not recorded:
            return
        recording.put_event(
            semconv.EVENT_SECURITY,
            _INFO if outcome == "allowed" else _WARN,
            f"{kind}: {outcome}",
            {
                semconv.SECURITY_KIND: kind,
                semconv.SECURITY_OUTCOME: outcome,
                semconv.COMPONENT: "security",
                **(attributes or {}),
            },
        )
    except Exception:
        guard.failed(semconv.SECURITY_EVENTS.name)


async def audit(arguments: dict[str, Any]) -> dict[str, Any]:
    """CALL `audit`: the watcher tells of an event, for events are recorded where the bot's are."""
    security(str(arguments["kind"]), str(arguments["outcome"]), "admin", arguments.get("attributes"))
    return {}
