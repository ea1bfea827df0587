"""One pure function for each thing that health looks at: from what is known of a source to a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import psutil

from .frames import place
from .report import Check, Now, Status
from .source import Export, Siem, Source, Store

BLOCKED_S: Final = 0.5
"""A loop that hasn't turned for this long is called blocked: degraded."""
STUCK_S: Final = 10.0
"""A loop that hasn't turned for this long makes the bot unhealthy."""
SILENT_S: Final = 1.0
"""A connected process that sends no beat for this long can't run Python: the GIL is held, or it is stopped."""
OFFLINE_S: Final = 30.0
"""With no shard up for this long the bot is unhealthy; shorter is an ordinary reconnect."""
GONE: Final = float("inf")
_STOPPED: Final = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)


def current(sources: Sequence[Source]) -> list[Source]:
    """Of each slot the connected process, else the last. Orderly ends matter only when all have ended."""
    by_slot: dict[int, Source] = {}
    for source in sorted(sources, key=lambda s: (s.ended is None, s.connected, s.connected_ns)):
        by_slot[source.slot] = source
    newest = [by_slot[slot] for slot in sorted(by_slot)]
    return [s for s in newest if s.ended is None or not s.ended.orderly] or newest


def silent_s(source: Source, now: Now) -> float:
    """For how long a connected process has sent nothing although it should, in seconds; 0 while it speaks."""
    silence = (now.monotonic_ns - source.beat_received_ns) / 1e9
    return silence if source.connected and silence > SILENT_S else 0.0


def of_source(source: Source, now: Now, state: str | None, before: Check | None) -> Iterator[Check]:
    """All checks of one process.

    Args:
        state: what psutil calls the state of a process that is silent or not connected; None when it is gone.
        before: its gateway check of the last report.
    """
    yield bot_process(source, now, state)
    if source.connected and source.ended is None:
        yield event_loop(source, now, state)
        yield gateway(source, now, before)


def bot_process(source: Source, now: Now, state: str | None) -> Check:
    """Is the process there, and may it run?"""
    check = partial(Check, "bot process", process=source.slot)
    if source.ended is not None:
        how = "The bot has said goodbye" if source.ended.orderly else "The bot's process has ended"
        text = f"{how}: {source.ended.reason}."
        return check("unhealthy", text, source.ended.unix, stuck_s=GONE, ready=False)
    heard = now.unix_of(source.beat_received_ns)
    if not source.connected and state in (None, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        return check("unhealthy", "The bot's process is gone.", heard, stuck_s=GONE, ready=False)
    if not source.connected:
        text = "The bot's process runs, but has lost its connection to the watcher."
        return check("degraded", text, heard)
    if state in _STOPPED:
        silence = silent_s(source, now)
        text = f"The bot's process is stopped (SIGSTOP or a debugger), for {_seconds(silence)}."
        return check("unhealthy", text, heard, stuck_s=silence, ready=False)
    return check("healthy", "The bot's process runs.", now.unix_of(source.connected_ns))


def event_loop(source: Source, now: Now, state: str | None) -> Check:
    """Does the loop turn? Known from the beat, and from the silence when nothing in the process can run."""
    check = partial(Check, "event loop", process=source.slot)
    beat = source.beat or {}
    if beat.get("loop") is None:
        return check("healthy", "No event loop is watched yet.")
    last_turn_ns, frames = beat["loop"]
    silence = silent_s(source, now)
    # Between two beats the newest one is up to 0.1 s old: only a beat, or a true silence, tells of a block.
    until_ns = now.monotonic_ns if silence else beat.get("sent", source.beat_received_ns)
    if (until_ns - last_turn_ns) / 1e9 < BLOCKED_S:
        return check("healthy", "The event loop turns.")
    blocked = (now.monotonic_ns - last_turn_ns) / 1e9
    if state in _STOPPED:
        text = f"The event loop hasn't turned for {_seconds(blocked)}: its process is stopped."
    else:
        where = place((source.holder or frames) if silence else frames)
        text = _blocked_text(blocked, where, bool(silence), source.unreadable)
    status: Status = "unhealthy" if blocked > STUCK_S else "degraded"
    return check(status, text, now.unix_of(last_turn_ns), stuck_s=blocked)


def gateway(source: Source, now: Now, before: Check | None) -> Check:
    """Are the shards of this process connected and READY? `before` tells for how long they haven't been."""
    bots = [bot for bot in (source.beat or {}).get("bots", ()) if not bot.get("closed")]
    shards = {(n, shard): seen for n, bot in enumerate(bots) for shard, seen in bot.get("shards", {}).items()}
    down = sorted({str(shard) for (_, shard), seen in shards.items() if not seen.get("up")})
    waiting = sum(not bot.get("shards") for bot in bots)
    if shards and not down and not waiting:
        text = f"{_count(len(shards), 'shard')} connected and ready{_deaf(shards, now)}."
        return Check("gateway", "healthy", text, process=source.slot)
    up = sum(bool(seen.get("up")) for seen in shards.values())
    since = before.since if before and before.status != "healthy" and before.since else now.unix
    status: Status = "unhealthy" if not up and now.unix - since > OFFLINE_S else "degraded"
    if down:
        text = f"{up} of {_count(len(shards), 'shard')} ready; not ready: {', '.join(down[:20])}."
    else:
        text = "A bot is not connected to Discord yet." if bots else "No bot is connected to Discord."
    return Check("gateway", status, text, since, source.slot, ready=False)


def no_source() -> Check:
    """What to say while no bot has ever attached."""
    return Check("bot process", "unhealthy", "No bot has attached to this watcher yet.", ready=False)


def settings(problems: Sequence[str]) -> Check:
    """Were all settings right? `problems` name the variables, not their values."""
    if not problems:
        return Check("settings", "healthy", "All settings are right.")
    return Check("settings", "degraded", f"Wrong settings, defaults are used: {'; '.join(problems)}.")


def export(state: Export) -> Check:
    """Does telemetry reach the collector? Never worse than degraded: the bot doesn't suffer from it."""
    name, lost = "telemetry export", f" {state.dropped} records were lost." if state.dropped else ""
    if state.endpoint is None:
        return Check(name, "healthy", "No OTLP endpoint is set: nothing is exported.")
    if state.failing_since is not None:
        text = f"Telemetry doesn't reach the collector: {_sentence(state.error or 'unknown error')}{_waiting(state)}"
        return Check(name, "degraded", f"{text}{lost}", state.failing_since)
    if state.refused is not None:
        text = f"The collector refuses some of the telemetry: {_sentence(state.refused)}"
        return Check(name, "degraded", f"{text}{lost}")
    if state.reached_since is None:
        return Check(name, "healthy", f"The collector has not been sent anything yet.{lost}")
    late = f" {_bytes(state.spooled_bytes)} that waited are on their way." if state.spooled_bytes else ""
    return Check(name, "healthy", f"Telemetry reaches the collector.{late}{lost}", state.reached_since)


def store(state: Store) -> Check:
    """Is the embedded store written? Never worse than degraded: the bot doesn't suffer from it."""
    name = "embedded store"
    if state.problem is not None:
        return Check(name, "degraded", f"Nothing is kept: {state.problem}.", state.since)
    warning = f" But {state.warning}." if state.warning else ""
    return Check(
        name, "healthy", f"What the bot does is kept ({_bytes(state.size_bytes)}).{warning}", state.since
    )


def siem(state: Siem) -> Check:
    """Do security events reach the SIEM? Never worse than degraded: the bot doesn't suffer from it."""
    name, lost = "security export", f" {state.dropped:,} were lost." if state.dropped else ""
    if state.failing_since is not None:
        waiting = f" {state.waiting:,} wait." if state.waiting else ""
        text = (
            f"Security events don't reach {state.endpoint}: {state.error or 'unknown error'}.{waiting}{lost}"
        )
        return Check(name, "degraded", text, state.failing_since)
    if state.reached_since is None:
        return Check(name, "healthy", f"Security events are about to be sent to {state.endpoint}.{lost}")
    return Check(name, "healthy", f"Security events go to {state.endpoint}.{lost}", state.reached_since)


def _waiting(state: Export) -> str:
    if not state.waiting_bytes:
        return ""
    where = " on the disk" if state.spooled_bytes else ""
    problem = f" {_sentence(state.spool_problem)}" if state.spool_problem else ""
    return f" {_bytes(state.waiting_bytes)} wait{where}.{problem}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _blocked_text(blocked_s: float, where: str | None, silent: bool, unreadable: str | None) -> str:
    at = f" at {where}" if where else ""
    why = (
        "; nothing else in its process answers either, so C code is likely to hold the GIL" if silent else ""
    )
    text = f"The event loop has been blocked for {_seconds(blocked_s)}{at}{why}."
    return f"{text} Where can't be read: {unreadable}." if silent and unreadable and not where else text


def _deaf(shards: Mapping[Any, Mapping[str, Any]], now: Now) -> str:
    heard = [
        (now.monotonic_ns - seen["last_event"]) / 1e9 for seen in shards.values() if seen.get("last_event")
    ]
    longest = max(heard, default=0.0)
    return f"; the quietest has heard nothing for {_seconds(longest)}" if longest > 300 else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _bytes(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.1f} kB"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
