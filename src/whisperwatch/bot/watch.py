"""Watching a bot: puts the parts together. The only place in the bot's process that names concrete ones.

`instrument()` patches discord.py and the libraries that bots use, so that every client that starts is watched;
`watch(bot)` does that and takes this client in. Nothing else starts before a client has finished `setup_hook`: then the
ship sails, and the loop's pulse is felt.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import discord

from whisperwatch.bot import checks, guard
from whisperwatch.bot.instrument import attempts, rest
from whisperwatch.bot.instrument.activity import activity
from whisperwatch.bot.instrument.bots import bot_of, bots, current_bot, forget_all
from whisperwatch.bot.instrument.gateway import unwatch_socket, watch_socket
from whisperwatch.bot.instrument.gauges import latency_of
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.instrument.marking import mark_blocked
from whisperwatch.bot.instrument.patches import PatchTable
from whisperwatch.bot.instrument.runtime import collections, pulse
from whisperwatch.bot.instrument.standing import hosts, lacks
from whisperwatch.bot.masking import mask
from whisperwatch.bot.recording.metering import Unsupported
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.readable import recorder_ids
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.ship import Options, Ship, launch
from whisperwatch.state import StateDirectory, hash_id, open_state, passing_key

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

logger = logging.getLogger("whisperwatch")

OLDEST = (2, 4)
"""The oldest discord.py that is watched."""
_FAREWELL_S = 3.0
_MOST_USERS = 2_000
"""Active users that go with one beat, five of which there are in two seconds."""

_table = PatchTable()
_ship: Ship | None = None
_state: StateDirectory | None = None
_said: set[str] = set()
_asked: set[asyncio.Task[None]] = set()
"""What we ask Discord ourselves; the loop alone would let go of it."""


def instrument(
    *,
    resource: Resource | None = None,
    only: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    settings: Mapping[str, str | float | bool] | None = None,
) -> bool:
    """Patch discord.py so that each client that logs in from now on is watched, and the libraries that the bot calls
    others with. A second call does nothing.

    Args:
        resource: the resource of the providers; by default what `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` say.
        only: the libraries to instrument, by name; by default `WHISPERWATCH_LIBRARIES`, else all that are known.
        exclude: libraries to leave alone.
        settings: by the names that the page of settings has, such as `{"HEALTH_CHECK_PORT": 9100}`; they win over the
            environment. A wrong one is logged, and its default is taken.

    Returns:
        False where nothing is watched: `OTEL_SDK_DISABLED`, or a `discord` that is not discord.py 2.4 or later. That is
        logged once, and the bot runs as it would without us.
    """
    launch.code.update(_plain(settings or {}))
    if recorder.forked:  # a child that wants to be watched after all
        recorder.restart()
        recorder.shipping = Options.from_environment().mode != "off"
    if _table.applied:
        return True
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    reason = _unsupported()
    if reason is not None:
        _say(reason)
        return False
    try:
        from whisperwatch.bot import admin  # what these name, another discord.py may not have
        from whisperwatch.bot.instrument import table

        patches = [*table.patches(_login), *admin.patches()]
        recorder.shipping = Options.from_environment().mode != "off"
        providers.install(resource)
    except Unsupported as error:
        _say(str(error))
        return False
    except Exception:
        guard.failed("instrument")
        return False
    _table.apply(patches)
    recorder.mask = str if _wants("WHISPERWATCH_EXPOSE_WORDS") else mask
    collections.start()
    for collector in table.COLLECTORS:
        if collector not in recorder.collectors:
            recorder.collectors.append(collector)
    try:
        registry.apply(only, exclude)
    except Exception:
        guard.failed("libraries")
    return True


def uninstrument() -> None:
    """Put discord.py's own functions back, say goodbye to the watcher, and let go of the clients."""
    if _table.applied:
        from whisperwatch.bot import admin
        from whisperwatch.bot.instrument.tasks import running

        running.clear()
        admin.stopped()
    _table.undo()
    registry.undo()
    recorder.mask = str
    collections.stop()
    pulse.stop()
    for client in list(bots):
        for shard in bot_of(client).shards.values():
            unwatch_socket(shard.socket)
    attempts.stand_aside()
    activity.forget()
    forget_all()
    _part("uninstrument")
    recorder.shipping = False  # what other instrumentations go on recording would wait for nobody


def watch(
    bot: discord.Client,
    *,
    name: str | None = None,
    resource: Resource | None = None,
    settings: Mapping[str, str | float | bool] | None = None,
) -> discord.Client:
    """Watch a client, before it runs or while it does; returns it.

    Args:
        bot: a `discord.Client`, `commands.Bot` or sharded one.
        name: its name in `bot.name`; by default the user name that Discord gives it.
        resource, settings: see `instrument()`.

    Raises:
        TypeError: `bot` is no `discord.Client`.
    """
    if not isinstance(bot, discord.Client):
        raise TypeError(
            f"watch() takes a discord.Client, not {type(bot).__name__}: pass the bot or client object"
        )
    if instrument(resource=resource, settings=settings):
        kept = bot_of(bot, name)
        for ws in _sockets(bot):
            watch_socket(kept, ws)
            kept.shards[ws.shard_id or 0].up = bot.is_ready()
        if bot.user is not None:
            _start_on_its_loop(bot)
    return bot


def flush(timeout_s: float = 5.0) -> bool:
    """Wait until the watcher has all that was recorded before; False when that took longer."""
    return _ship is None or _ship.flush(timeout_s)


def _login(original: Any) -> Any:
    """`Client.login`: a client that has logged in has a name, a running loop, and its `setup_hook` behind it."""

    async def login(self: Any, token: str) -> None:
        try:
            registry.look_again()
            setting_up = current_bot.set(bot_of(self))
        except Exception:
            guard.failed("login")
            await original(self, token)
            return
        try:
            await original(self, token)
        finally:
            current_bot.reset(setting_up)
        _started(self)

    return login


def _start_on_its_loop(client: Any) -> None:
    """Of a client that runs, whichever thread asks for it. One that is closed starts when it logs in again."""
    loop = client.loop
    if not isinstance(loop, asyncio.AbstractEventLoop) or not loop.is_running():
        return
    if loop is asyncio._get_running_loop():
        _started(client)
    else:
        loop.call_soon_threadsafe(_started, client)


def _started(client: Any) -> None:
    if recorder.forked:  # nobody has called `watch()` here
        return
    from whisperwatch.bot.instrument.table import register

    try:
        bot_of(client).named()
        register(client)
        pulse.start(asyncio.get_running_loop())
        _sail()
        _asked.add(
            task := asyncio.create_task(_ask_session_limit(client), name="whisperwatch: session_start_limit")
        )
        task.add_done_callback(_asked.discard)
    except Exception:
        guard.failed("start")


async def _ask_session_limit(client: Any) -> None:
    """One request of ours, that doesn't show in the bot's data: how many IDENTIFYs Discord leaves it today."""
    rest.unwatched.set(True)
    try:
        answer = await client.http.request(discord.http.Route("GET", "/gateway/bot"))
        rest.read_session_limit(bot_of(client), answer)
    except Exception as error:
        logger.debug("Discord did not say how many IDENTIFYs are left: %s", error)


def _sail() -> None:
    global _ship, _state
    if _ship is not None:
        _ship.start()  # in a forked child it is a ship of its own; else it sails already
        return
    options = Options.from_environment()
    _state = open_state()
    if _state.problem is not None:
        _say(_state.problem)
    _hide_ids(_state)
    if options.mode == "off":
        return
    _ship = Ship(
        recorder,
        beat=_beat,
        state=_state,
        options=options,
        pulse=pulse,
        about=_about,
        on_welcome=_welcomed,
        on_blocked=mark_blocked,
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
    if _wants("WHISPERWATCH_EXPOSE_IDS"):
        recorder_ids.show = str
        return
    try:
        key = state.key()
    except (OSError, ValueError) as error:
        _say(f"ids are hashed with a key that lasts as long as this process: {error}")
        key = passing_key()
    recorder_ids.show = partial(hash_id, key)


def _wants(opt_in: str) -> bool:
    return os.environ.get(opt_in, "").strip().lower() in ("1", "true", "yes", "on")


def _end_with_the_process() -> None:
    """Say goodbye when the interpreter ends. Before `atexit` where that can be had: no thread starts after that."""
    register = getattr(threading, "_register_atexit", atexit.register)
    try:
        register(_main_is_over)
    except RuntimeError:
        atexit.register(_part, "exit")


def _main_is_over() -> None:
    """The main thread is. A bot in a thread of its own runs on, and the interpreter waits for it; then so do we."""
    if not pulse.closed and any(
        thread.ident == pulse.thread_id and thread is not threading.main_thread() and not thread.daemon
        for thread in threading.enumerate()
    ):
        atexit.register(_part, "exit")
    else:
        _part("exit")


def _part(reason: str) -> None:
    global _ship
    ship, _ship = _ship, None
    if ship is not None:
        ship.stop(_FAREWELL_S, reason)
        recorder.deferring = False
        while recorder.settle(1000):  # a ship that was refused, or had no time, leaves it
            pass


def _welcomed(welcome: dict[str, Any]) -> None:
    settings = welcome.get("settings", {})
    recorder.on = bool(settings.get("traces", True))
    from whisperwatch.bot import admin

    admin.desk.settle(settings)
    admin.started(list(bots))


def _about() -> dict[str, Any]:
    provider = providers.tracer_provider
    resource = {} if provider is None else dict(provider.resource.attributes)
    return {
        "resource": resource,
        "settings": dict(launch.code),
        "bots": [bot_of(client).name for client in list(bots)],
        "discord.py": discord.__version__,
    }


def _beat() -> dict[str, Any]:
    if pulse.closed and pulse.last_turn_ns:
        pulse.stop()
    clients = list(bots)
    _collect_when_ready(clients)
    return {
        "bots": [_state_of(client) for client in clients],
        "hosted": providers.hosted,
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


def _sockets(client: Any) -> list[Any]:
    shards = getattr(client, "_AutoShardedClient__shards", None)
    found = [shard.ws for shard in shards.values()] if shards else [client.ws]
    return [ws for ws in found if getattr(ws, "_discord_parsers", None) is not None]


def _plain(settings: Mapping[str, Any]) -> dict[str, str | float | bool]:
    """As JSON carries them; the watcher, which knows them all, says what is wrong with them."""
    plain = (str, int, float)
    return {str(name): value if isinstance(value, plain) else str(value) for name, value in settings.items()}


def _unsupported() -> str | None:
    title = getattr(discord, "__title__", "discord")
    if title != "discord":
        return (
            f"the installed `discord` is {title}, not discord.py: it is not watched, and runs as it would without "
            "Whisperwatch"
        )
    version = discord.version_info
    if (version.major, version.minor) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return (
            f"discord.py {discord.__version__} is older than {oldest}: it is not watched; update discord.py"
        )
    return None


def _say(text: str) -> None:
    if text not in _said:
        _said.add(text)
        logger.warning(text)
