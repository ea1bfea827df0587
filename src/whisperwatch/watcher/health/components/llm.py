"""LLM: by what the bot's own calls did, and, where there were none lately, by the list of models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whisperwatch.watcher.health.report import Part
from whisperwatch.watcher.health.trends import Recent

from .scene import Calls, Scene, by, not_configured, part_of, seconds

_DURATION: Final = "gen_ai.client.operation.duration"
METRICS: Final = (_DURATION,)
_LATELY_S: Final = 60.0
_NOW_S: Final = 30.0
_SLOW_S: Final = 30.0
_KEY: Final = ("Authentication", "PermissionDenied", "401", "403")
_LIMIT: Final = ("RateLimit", "429")


def judge(scene: Scene) -> list[Part]:
    """A part for each provider that was called, and one for each server that is asked and had no good call just now."""
    calls = by(
        scene.trends.recent(_DURATION, scene.now), "server.address", "gen_ai.provider.name", "gen_ai.system"
    )
    parts = [_traffic(scene, name, recents) for name, recents in calls.items()]
    parts += _asked(scene)
    if parts:
        return parts
    if scene.trends.seen(_DURATION):
        return [Part("the language model", "unknown", "was not called in the last 5 minutes")]
    return not_configured("no call of a language model, and no client of one, has been seen")


def _traffic(scene: Scene, name: str, recents: list[Recent]) -> Part:
    lately = by(
        scene.trends.recent(_DURATION, scene.now, _LATELY_S),
        "server.address",
        "gen_ai.provider.name",
        "gen_ai.system",
    ).get(name, [])
    calls, lasted = Calls.of(lately), "last minute"
    if calls.count < 3:
        calls, lasted = Calls.of(recents), "last 5 minutes"
    status, text = calls.status(), f"{calls.text()} in the {lasted}"
    errors = list(calls.errors)
    if calls.failed and all(any(word in error for word in _KEY) for error in errors):
        text = f"the key is refused: {text}"
    elif calls.failed and all(any(word in error for word in _LIMIT) for error in errors):
        status, text = "degraded", f"the provider limits the rate: {text}"
    elif status == "healthy" and calls.p95_s is not None and calls.p95_s > _SLOW_S:
        status, text = "degraded", f"slow, P95 {seconds(calls.p95_s)}: {text}"
    return Part(f"calls to {name or 'the language model'}:", status, text, calls.numbers())


def _asked(scene: Scene) -> Iterator[Part]:
    """What works for the bot at this moment needs no list of models."""
    just_now = by(scene.trends.recent(_DURATION, scene.now, _NOW_S), "server.address")
    for probe in scene.probes:
        if probe.target.component != "llm":
            continue
        own = [*just_now.get(probe.target.address, []), *just_now.get("", [])]
        calls = Calls.of(own)
        if not (calls.count and not calls.failed) or probe.verdict.status == "healthy":
            yield part_of(probe)
