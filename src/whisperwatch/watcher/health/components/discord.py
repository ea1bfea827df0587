"""Discord: connection, latency, the bot's commands, the budgets that Discord gives it, and the intents it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.health.report import Number, Part, Status
from whisperwatch.watcher.health.trends import quantile

from .scene import Calls, Scene, seconds

METRICS: Final = (semconv.COMMAND_DURATION.name,)
_LATE_S: Final = 1.0
_FAILURES: Final = 0.2
_BAN: Final = 10_000
"""Invalid requests in ten minutes at which Discord bans the address."""


def judge(scene: Scene) -> list[Part]:
    """The parts `gateway`, `latency`, `commands`, `identify budget`, `invalid requests` and `intents`."""
    return [*_gateway(scene), *_latency(scene), *_commands(scene), *_budgets(scene), *_intents(scene)]


def _gateway(scene: Scene) -> Iterator[Part]:
    found = [check for check in scene.checks if check.name == "gateway"]
    for check in found:
        of = "" if check.process in (None, 0) else f" of process {check.process}"
        yield Part(f"gateway{of}:", check.status, check.text.rstrip("."), {}, check.since, True)
    if not found:
        yield Part("gateway:", "unknown", "no process of the bot is connected to the watcher")


def _latency(scene: Scene) -> Iterator[Part]:
    shards = [
        shard
        for beat in scene.beats
        for bot in beat.get("bots", ())
        if not bot.get("closed")
        for shard in bot.get("shards", {}).values()
    ]
    latencies = [shard["latency"] for shard in shards if shard.get("latency") is not None]
    if not latencies:
        return
    worst = max(latencies)
    late = worst > _LATE_S
    numbers: dict[str, Number] = {"heartbeat_latency_s": round(worst, 4), "shards": len(shards)}
    ages = [age for _, age in scene.trends.latest(semconv.GATEWAY_LAST_EVENT.name)]
    if ages:
        numbers["last_event_age_s"] = round(max(ages), 1)
    yield Part("heartbeats", "degraded" if late else "healthy", f"are answered in {seconds(worst)}", numbers)


def _commands(scene: Scene) -> Iterator[Part]:
    recents = scene.trends.recent(semconv.COMMAND_DURATION.name, scene.now)
    failed = sum(int(r.count) for r in recents if r.attributes.get(semconv.OUTCOME) == "failure")
    count = sum(int(r.count) for r in recents)
    if not count:
        return
    p95 = quantile(recents, 0.95)
    calls = Calls(count, failed, Calls.of(()).errors, quantile(recents, 0.5), p95)
    # a command that fails says little of Discord: degraded at most
    status: Status = "degraded" if calls.status(_FAILURES) != "healthy" else "healthy"
    yield Part("commands:", status, calls.text(), calls.numbers())


def _budgets(scene: Scene) -> Iterator[Part]:
    limits = {
        _bot(attributes): value for attributes, value in scene.trends.latest(semconv.IDENTIFY_LIMIT.name)
    }
    for attributes, left in scene.trends.latest(semconv.IDENTIFY_REMAINING.name):
        limit = limits.get(_bot(attributes), 1000.0)
        status: Status = "degraded" if left < limit / 10 else "healthy"
        numbers: dict[str, Number] = {"remaining": int(left), "limit": int(limit)}
        yield Part("identify budget:", status, f"{left:.0f} of {limit:.0f} left today", numbers)
    invalid = sum(value for _, value in scene.trends.latest(semconv.INVALID_REQUESTS.name))
    if invalid >= _BAN / 20:
        status = "unhealthy" if invalid >= _BAN * 0.9 else "degraded" if invalid >= _BAN / 2 else "healthy"
        text = f"{invalid:.0f} in ten minutes; at {_BAN} Discord bans this address"
        yield Part("invalid requests:", status, text, {"invalid_requests": int(invalid)})


def _intents(scene: Scene) -> Iterator[Part]:
    lacking = {
        f"{intent} ({why})"
        for beat in scene.beats
        for bot in beat.get("bots", ())
        for intent, why in (bot.get("lacks") or {}).items()
    }
    if lacking:
        yield Part("intents missing:", "degraded", ", ".join(sorted(lacking)), {"missing": len(lacking)})


def _bot(attributes: Any) -> str:
    return str(attributes.get(semconv.BOT_NAME))
