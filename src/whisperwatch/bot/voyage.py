"""The voyage of the ship, from the first login to the end of the process, and what it says of the bots."""

from __future__ import annotations

import atexit
import os
import threading
from functools import partial
from typing import Any

import discord

from whisperwatch.bot import checks, guard
from whisperwatch.bot.api.settings import CALLEES, settings
from whisperwatch.bot.instrument import allocations
from whisperwatch.bot.instrument.activity import activity
from whisperwatch.bot.instrument.bots import bot_of, bots
from whisperwatch.bot.instrument.gauges import latency_of
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.instrument.logs import hearing
from whisperwatch.bot.instrument.marking import mark_blocked
from whisperwatch.bot.instrument.runtime import pulse
from whisperwatch.bot.instrument.security import audit
from whisperwatch.bot.instrument.standing import hosts, lacks
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.readable import recorder_ids
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.saying import say_once
from whisperwatch.bot.ship import Options, Ship, launch
from whisperwatch.state import StateDirectory, hash_id, open_state, passing_key

_FAREWELL_S = 3.0
_MOST_USERS = 2_000
"""Active users that go with one beat, five of which there are in two seconds."""

_ship: Ship | None = None
_state: StateDirectory | None = None


def flush(timeout_s: float = 5.0) -> bool:
    """Wait until the watcher has all that was recorded before; False when that took longer."""
    return _ship is None or _ship.flush(timeout_s)


def sail() -> None:
    """Begin, the first time; a forked child begins anew."""
    global _ship, _state
    if _ship is not None:
        _ship.start()  # in a forked child it is a ship of its own; else it sails already
        return
    options = Options.from_environment()
    _state = open_state()
    if _state.problem is not None:
        say_once(_state.problem)
    _hide_ids(_state)
    if options.mode == "off":
        return
    _ship = Ship(
        recorder,
        beat=beat,
        state=_state,
        options=options,
        pulse=pulse,
        about=about,
        on_welcome=_welcomed,
        on_blocked=mark_blocked,
        callees={**CALLEES, **allocations.CALLEES, "audit": audit},
    )
    _take_questions(_ship)
    recorder.flush_tape = lambda timeout_ms: flush(timeout_ms / 1000)
    _ship.start()
    _end_with_the_process()


def _take_questions(ship: Ship) -> None:
    from whisperwatch.bot import admin

    # a forked child's ship has an `asking` of its own
    admin.desk.open_for(lambda question, given: ship.asking.ask(question, given))


def _hide_ids(state: StateDirectory) -> None:
    """The host's own exporters get hashes of ids too, with a watcher or without, unless the operator opted in."""
    if wants("WHISPERWATCH_EXPOSE_IDS"):
        recorder_ids.show = str
        return
    try:
        key = state.key()
    except (OSError, ValueError) as error:
        say_once(f"ids are hashed with a key that lasts as long as this process: {error}")
        key = passing_key()
    recorder_ids.show = partial(hash_id, key)


def wants(opt_in: str) -> bool:
    """Whether the operator opted in by this variable."""
    return os.environ.get(opt_in, "").strip().lower() in ("1", "true", "yes", "on")


def _end_with_the_process() -> None:
    """Say goodbye when the interpreter ends. Before `atexit` where that can be had: no thread starts after that."""
    register = getattr(threading, "_register_atexit", atexit.register)
    try:
        register(_main_is_over)
    except RuntimeError:
        atexit.register(part, "exit")


def _main_is_over() -> None:
    """The main thread is. A bot in a thread of its own runs on, and the interpreter waits for it; then so do we."""
    if not pulse.closed and any(
        thread.ident == pulse.thread_id and thread is not threading.main_thread() and not thread.daemon
        for thread in threading.enumerate()
    ):
        atexit.register(part, "exit")
    else:
        part("exit")


def part(reason: str) -> None:
    """End: hand over what is left, with a goodbye."""
    global _ship
    ship, _ship = _ship, None
    if ship is not None:
        ship.stop(_FAREWELL_S, reason)
        recorder.deferring = False
        while recorder.settle(1000):  # a ship that was refused, or had no time, leaves it
            pass


def _welcomed(welcome: dict[str, Any]) -> None:
    told = welcome.get("settings", {})
    recorder.on = bool(told.get("traces", True))
    hearing.allow(bool(told.get("logs", True)))
    settings.welcomed(welcome.get("overrides") or {})
    from whisperwatch.bot import admin

    admin.desk.settle(told)
    admin.started(list(bots))


def about() -> dict[str, Any]:
    """What the hello says of this process."""
    provider = providers.tracer_provider
    resource = {} if provider is None else dict(provider.resource.attributes)
    return {
        "resource": resource,
        "settings": dict(launch.code),
        "bots": [bot_of(client).name for client in list(bots)],
        "discord.py": discord.__version__,
        **({"unsupported": list(registry.off.values())} if registry.off else {}),
    }


def beat() -> dict[str, Any]:
    """What the beat says of the bots."""
    if pulse.closed and pulse.last_turn_ns:
        pulse.stop()
    clients = list(bots)
    _collect_when_ready(clients)
    return {
        "bots": [_state_of(client) for client in clients],
        "hosted": (*providers.hosted, *hearing.hosted()),
        "users": activity.take_users(_MOST_USERS),
        "hosts": _hosts(clients),
        "checks": checks.tend(pulse),
    }


def _hosts(clients: list[Any]) -> list[tuple[str, int]]:
    try:
        return hosts([client for client in clients if not client.is_closed()])
    except Exception:
        guard.failed("hosts")
        return []


def _collect_when_ready(clients: list[Any]) -> None:
    """Read the gauges as soon as a client is ready: before, it has no guilds, and the next time may be 15 s away."""
    ready = {id(client) for client in clients if client.is_ready()}
    if ready - _collected:
        recorder.collect()
    _collected.intersection_update(ready)
    _collected.update(ready)


_collected: set[int] = set()
"""Clients that are ready, and were read since."""


def _state_of(client: Any) -> dict[str, Any]:
    bot = bot_of(client)
    shards = {
        number: {"up": shard.up, "latency": latency_of(shard), "last_event": shard.last_event_ns or None}
        for number, shard in list(bot.shards.items())
    }
    state = {"name": bot.name, "ready": client.is_ready(), "closed": client.is_closed(), "shards": shards}
    try:
        state["lacks"] = lacks(client)
    except Exception:
        guard.failed("intents")
    return state
