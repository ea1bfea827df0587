"""Security: what the bot reports of logins and permissions; nobody else knows of them."""

from __future__ import annotations

from typing import Final

from whisperwatch.semconv import SECURITY_EVENTS, SECURITY_KIND, SECURITY_OUTCOME, SECURITY_OUTCOMES
from whisperwatch.watcher.health.report import Part

from .scene import Scene, by, not_configured

_EVENTS: Final = SECURITY_EVENTS.name
METRICS: Final = (_EVENTS,)
_BAD: Final = frozenset(SECURITY_OUTCOMES) - {"allowed"}
_MANY: Final = 20
"""Refusals in five minutes that are more than a few mistakes."""


def judge(scene: Scene) -> list[Part]:
    """A part for each kind of event."""
    if not scene.trends.seen(_EVENTS):
        return not_configured(
            "the bot reports no security events: it does so by whisperwatch.security_event(kind, outcome)"
        )
    kinds = by(scene.trends.recent(_EVENTS, scene.now), SECURITY_KIND)
    if not kinds:
        return [Part("security events:", "healthy", "none in the last 5 minutes", {"events": 0})]
    parts = []
    for kind, recents in kinds.items():
        count = sum(int(one.count) for one in recents)
        bad = sum(int(one.count) for one in recents if one.attributes.get(SECURITY_OUTCOME) in _BAD)
        text = f"{bad} of {count} were refused in the last 5 minutes"
        numbers = {"events": count, "refused": bad}
        parts.append(Part(f"{kind}:", "degraded" if bad >= _MANY else "healthy", text, numbers))
    return parts
