"""Watching a bot: puts the parts together. The only place in the bot's process that names concrete ones.

`instrument()` patches discord.py and the libraries that bots use, so that every client that starts is watched;
`watch(bot)` does that and takes this client in. Nothing else starts before a client has finished `setup_hook`: then the
loop's pulse is felt, and the voyage begins.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import discord

from whisperwatch.bot import guard, voyage
from whisperwatch.bot.instrument import attempts, identifies, rest
from whisperwatch.bot.instrument.activity import activity
from whisperwatch.bot.instrument.bots import bot_of, bots, current_bot, forget_all
from whisperwatch.bot.instrument.gateway import unwatch_socket, watch_socket
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.instrument.logs import hearing
from whisperwatch.bot.instrument.patches import PatchTable
from whisperwatch.bot.instrument.runtime import collections, pulse
from whisperwatch.bot.masking import mask
from whisperwatch.bot.recording.metering import Unsupported
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.saying import say_once
from whisperwatch.bot.ship import Options, launch
from whisperwatch.bot.support import unsupported
from whisperwatch.bot.voyage import flush

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

__all__ = ["flush", "instrument", "uninstrument", "watch"]

logger = logging.getLogger("whisperwatch")

_table = PatchTable()
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
        hearing.allow(True)
    if _table.applied:
        return True
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    reason = unsupported()
    if reason is not None:
        say_once(reason)
        return False
    try:
        from whisperwatch.bot import admin  # what these name, another discord.py may not have
        from whisperwatch.bot.instrument import table

        patches = [*table.patches(_login), *admin.patches()]
        recorder.shipping = Options.from_environment().mode != "off"
        providers.install(resource)
    except Unsupported as error:
        say_once(str(error))
        return False
    except Exception:
        guard.failed("instrument")
        return False
    _table.apply(patches)
    recorder.mask = str if voyage.wants("WHISPERWATCH_EXPOSE_WORDS") else mask
    hearing.start()
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
        hearing.stop()
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
    voyage.part("uninstrument")
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
            watch_socket(kept, ws)  # anew, where the bot's name is another now
            kept.shards[ws.shard_id or 0].up = bot.is_ready()
        if bot.user is not None:
            _start_on_its_loop(bot)
    return bot


def _login(original: Any) -> Any:
    """`Client.login`: a client that has logged in has a name, a running loop, and its `setup_hook` behind it."""

    async def login(self: Any, token: str) -> None:
        try:
            registry.look_again()
            providers.look_again()
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
        voyage.sail()
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
        identifies.learn(bot_of(client), answer)
    except Exception as error:
        logger.debug("Discord did not say how many IDENTIFYs are left: %s", error)


def _sockets(client: Any) -> list[Any]:
    shards = getattr(client, "_AutoShardedClient__shards", None)
    found = [shard.ws for shard in shards.values()] if shards else [client.ws]
    return [ws for ws in found if getattr(ws, "_discord_parsers", None) is not None]


def _plain(settings: Mapping[str, Any]) -> dict[str, str | float | bool]:
    """As JSON carries them; the watcher, which knows them all, says what is wrong with them."""
    plain = (str, int, float)
    return {str(name): value if isinstance(value, plain) else str(value) for name, value in settings.items()}
