"""Security: what the bot reports of logins and permissions; nobody else knows of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from whisperwatch import semconv
from whisperwatch.watcher.health.report import Number, Part
from whisperwatch.watcher.health.trends import Recent

from .scene import Scene, by, not_configured

_EVENTS: Final = semconv.SECURITY_EVENTS.name
_COMMANDS: Final = semconv.COMMAND_DURATION.name
METRICS: Final = (_EVENTS, _COMMANDS)
_BAD: Final = frozenset(semconv.SECURITY_OUTCOMES) - {"allowed"}
_MANY: Final = 20
"""Refusals in five minutes that are more than a few mistakes."""
_SHARE: Final = 0.1
"""Of all commands: who tries what others may is not rare where many people are."""


def judge(scene: Scene) -> list[Part]:
    """A part for each kind of event."""
    if not scene.trends.seen(_EVENTS):
        return not_configured(
            "the bot reports no security events: it does so by whisperwatch.security_event(kind, outcome)"
        )
    kinds = by(scene.trends.recent(_EVENTS, scene.now), semconv.SECURITY_KIND)
    if not kinds:
        return [Part("security events:", "healthy", "none in the last 5 minutes", {"events": 0})]
    parts = []
    for kind, recents in kinds.items():
        count, bad = _many(recents), _refused(recents)
        numbers: dict[str, Number] = {"events": count, "refused": bad}
        many = bad >= _MANY
        if kind == "command":  # those that ran tell of no security event
            commands = by(scene.trends.recent(_COMMANDS, scene.now), semconv.BOT_NAME)
            many = any(
                (refused := _refused(own)) >= _MANY and refused >= _SHARE * _many(commands.get(bot, ()))
                for bot, own in by(recents, semconv.BOT_NAME).items()
            )
            numbers["commands"] = count = max(count, sum(map(_many, commands.values())))
        text = f"{bad} of {count} were refused in the last 5 minutes"
        parts.append(Part(f"{kind}:", "degraded" if many else "healthy", text, numbers))
    return parts


def _many(recents: Iterable[Recent]) -> int:
    return sum(int(one.count) for one in recents)


def _refused(recents: Iterable[Recent]) -> int:
    return _many(one for one in recents if one.attributes.get(semconv.SECURITY_OUTCOME) in _BAD)
