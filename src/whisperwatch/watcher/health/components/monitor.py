"""The monitor itself: settings, the way to the collector, the tape, and what was lost on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import psutil

from whisperwatch.watcher.health.report import COMPONENT_OF, Number, Part, Status

from .scene import Scene, seconds

_RECORDS: Final = ("whisperwatch.dropped", "whisperwatch.export.dropped", "whisperwatch.siem.dropped")
_FAILURES: Final = "whisperwatch.internal.errors"
METRICS: Final = (*_RECORDS, _FAILURES)
_FULL: Final = 4_000_000


def judge(scene: Scene) -> list[Part]:
    """The parts `settings`, `telemetry export`, `watcher`, `tape`, `losses`, and `servers` where too many are used."""
    return [*_checks(scene), _watcher(scene.url), *_tape(scene), *_losses(scene), *_left_out(scene)]


def _checks(scene: Scene) -> Iterator[Part]:
    for check in scene.checks:
        if COMPONENT_OF.get(check.name) == "monitor":
            numbers: dict[str, Number] = {}
            text = check.text.rstrip(".")
            if check.name == "telemetry export" and scene.export is not None:
                numbers = {
                    "waiting_bytes": scene.export.waiting_bytes,
                    "spooled_bytes": scene.export.spooled_bytes,
                    "dropped": scene.export.dropped,
                }
                if scene.export.last_success is not None:
                    ago = max(0.0, scene.now - scene.export.last_success)
                    numbers["last_success_unix"] = round(scene.export.last_success, 3)
                    text += f"; it last did {seconds(ago)} ago"
            yield Part(f"{check.name}:", check.status, text, numbers, check.since, True)


def _watcher(url: str | None) -> Part:
    """Its port need not be the one that is set. Where it is a thread of the bot, these are the bot's process' own."""
    process = psutil.Process()
    memory, ran_s = process.memory_info().rss, time.time() - process.create_time()
    text = f"has run for {seconds(ran_s)} and uses {memory / 1e6:.0f} MB"
    text += f"; it serves at {url}" if url else "; it serves nothing"
    return Part("watcher", "healthy", text, {"memory_bytes": memory, "uptime_s": round(ran_s)})


def _tape(scene: Scene) -> Iterator[Part]:
    waiting = lost = 0
    for beat in scene.beats:
        tape = beat.get("tape")
        if isinstance(tape, tuple | list) and len(tape) == 2:
            waiting, lost = waiting + int(tape[0]), lost + int(tape[1])
    if not scene.beats:
        yield Part("tape:", "unknown", "no process of the bot is connected to the watcher")
        return
    status: Status = "degraded" if waiting > _FULL else "healthy"
    text = f"{waiting / 1e6:.1f} MB wait in the bot's process"
    yield Part("tape:", status, text, {"waiting_bytes": waiting, "lost_spans": lost})


def _losses(scene: Scene) -> Iterator[Part]:
    lost = {name: sum(one.count for one in scene.trends.recent(name, scene.now)) for name in METRICS}
    records, failures = sum(lost[name] for name in _RECORDS), lost[_FAILURES]
    numbers: dict[str, Number] = {"lost": int(records), "hook_failures": int(failures)}
    status: Status = "degraded" if records or failures else "healthy"
    text = f"{records:.0f} records lost and {failures:.0f} hooks failed in the last 5 minutes"
    yield Part("losses:", status, text, numbers)


def _left_out(scene: Scene) -> Iterator[Part]:
    if scene.left_out:
        yield Part("servers:", "healthy", f"{scene.left_out} are not asked, for the bot uses too many")
