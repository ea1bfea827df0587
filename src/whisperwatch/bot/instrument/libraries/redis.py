"""redis-py, its asyncio and its plain clients: a span for each command or pipeline. Keys and values are not looked at.

What redis-py sends on its own to open a connection, or to see that it lives, is not recorded, nor is what a
subscription receives.
"""

from __future__ import annotations

from typing import Any

from redis import client
from redis.asyncio import client as asyncio_client

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.calls import Call, ended, suppressed
from whisperwatch.bot.instrument.libraries.databases import Sent, Server, server_of
from whisperwatch.bot.instrument.libraries.endpoints import remember
from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.lookups import LOOKUPS, looked_up
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.patches import Patch

_SYSTEM = "redis"
_MOST_COMMANDS = 300
_CODES = frozenset({
    "ASK", "BUSY", "BUSYGROUP", "CLUSTERDOWN", "CROSSSLOT", "ERR", "EXECABORT", "LOADING", "MASTERDOWN",
    "MISCONF", "MOVED", "NOAUTH", "NOGROUP", "NOPERM", "NOREPLICAS", "NOSCRIPT", "OOM", "READONLY",
    "TRYAGAIN", "WRONGPASS", "WRONGTYPE",
})  # fmt: skip
_patches = LibraryPatches("redis")


def apply() -> Undo:
    """Patch redis-py; returns what takes it back."""
    _patches.apply([
        Patch(asyncio_client.Redis, "execute_command", _async_command),
        Patch(asyncio_client.Pipeline, "immediate_execute_command", _async_command),
        Patch(asyncio_client.Pipeline, "execute", _async_pipeline),
        Patch(client.Redis, "execute_command", _command),
        Patch(client.Pipeline, "immediate_execute_command", _command),
        Patch(client.Pipeline, "execute", _pipeline),
    ])  # fmt: skip
    return _patches.undo


class RedisCall(Call):
    """One command or pipeline that is under way. `commands` is how many, of a pipeline."""

    def __init__(self, sent: Sent, commands: int = 0) -> None:
        self.title = sent.title
        self.static = sent.static
        self.durations = sent.durations
        if commands:
            self.commands = commands
        self.begin()

    commands = 0

    def failed(self, error: BaseException) -> None:
        super().failed(error)
        code = str(error).partition(" ")[0]
        if code in _CODES and self.own is not None:
            self.own[semconv.DB_STATUS_CODE] = code

    def describe(self) -> None:
        if self.commands:
            self.own = {semconv.DB_BATCH_SIZE: self.commands, **(self.own or {})}


def _begun(redis: Any, args: tuple[Any, ...]) -> RedisCall | None:
    """A command that is sent now; None where it is not recorded."""
    try:
        if not _patches.on or suppressed():
            return None
        known = _known(redis.connection_pool)
        sent = known[1].get(args[0])
        return RedisCall(sent if sent is not None else _command_of(*known, args[0]))
    except Exception:
        guard.failed("redis")
        return None


def _begun_pipeline(pipeline: Any) -> RedisCall | None:
    try:
        stack = pipeline.command_stack
        if not _patches.on or suppressed() or not stack:
            return None
        asked = getattr(pipeline, "is_transaction", False) or getattr(pipeline, "transaction", None) is True
        is_transaction = asked or pipeline.explicit_transaction
        server, _ = _known(pipeline.connection_pool)
        return RedisCall(server.step("MULTI" if is_transaction else "PIPELINE"), len(stack))
    except Exception:
        guard.failed("redis pipeline")
        return None


def _async_command(original: Any) -> Any:
    async def execute_command(self: Any, *args: Any, **options: Any) -> Any:
        call = _begun(self, args)
        if call is None:
            return await original(self, *args, **options)
        try:
            answer = await original(self, *args, **options)
        except BaseException as error:
            ended(call, error)
            raise
        ended(call)
        if call.title in LOOKUPS:
            looked_up(call.title, answer)
        return answer

    return execute_command


def _command(original: Any) -> Any:
    def execute_command(self: Any, *args: Any, **options: Any) -> Any:
        call = _begun(self, args)
        if call is None:
            return original(self, *args, **options)
        try:
            answer = original(self, *args, **options)
        except BaseException as error:
            ended(call, error)
            raise
        ended(call)
        if call.title in LOOKUPS:
            looked_up(call.title, answer)
        return answer

    return execute_command


def _async_pipeline(original: Any) -> Any:
    async def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        stack = self.command_stack
        call = _begun_pipeline(self)
        if call is None:
            return await original(self, *args, **kwargs)
        try:
            answers = await original(self, *args, **kwargs)
        except BaseException as error:
            ended(call, error)
            raise
        ended(call)
        _read(stack, answers)
        return answers

    return execute


def _pipeline(original: Any) -> Any:
    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        stack = self.command_stack
        call = _begun_pipeline(self)
        if call is None:
            return original(self, *args, **kwargs)
        try:
            answers = original(self, *args, **kwargs)
        except BaseException as error:
            ended(call, error)
            raise
        ended(call)
        _read(stack, answers)
        return answers

    return execute


def _read(stack: Any, answers: Any) -> None:
    """Look-ups of a pipeline: each staged command is (arguments, options), its answer in the same place."""
    try:
        for staged, answer in zip(stack, answers, strict=False):
            if staged[0][0] in LOOKUPS:
                looked_up(staged[0][0], answer)
    except Exception:
        guard.failed("redis pipeline")


def _known(pool: Any) -> tuple[Server, dict[Any, Sent]]:
    """The server of a connection pool, and the commands that it was sent; kept on the pool."""
    known: tuple[Server, dict[Any, Sent]] | None = pool.__dict__.get("_whisperwatch")
    if known is None:
        known = pool._whisperwatch = _find(pool)
    return known


def _find(pool: Any) -> tuple[Server, dict[Any, Sent]]:
    given = pool.connection_kwargs
    path, database = given.get("path"), given.get("db") or 0
    host = given.get("host") or getattr(pool, "service_name", None) or "localhost"
    port = int(given.get("port") or 6379)
    is_encrypted = "SSL" in getattr(pool.connection_class, "__name__", "")
    remember(_SYSTEM, {
        "host": None if path else host, "port": None if path else port, "path": path, "db": int(database),
        "username": given.get("username"), "password": given.get("password"), "ssl": is_encrypted,
        "credential_provider": given.get("credential_provider"),
    })  # fmt: skip
    server = server_of(_SYSTEM, str(database), path or host, None if path else port)
    return server, _commands.setdefault(server, {})


_commands: dict[Server, dict[Any, Sent]] = {}
"""By server, by the command as clients write it."""


def _command_of(server: Server, commands: dict[Any, Sent], given: Any) -> Sent:
    """The command without what may stand behind it in one string."""
    text = given.decode("ascii", "replace") if isinstance(given, bytes) else str(given)
    name = text.partition(" ")[0].upper()
    if len(commands) >= _MOST_COMMANDS or not name.replace(".", "").replace("_", "").isalnum():
        return server.step("OTHER")
    sent = server.step(name)
    if " " not in text or given == name:
        commands[given] = sent
    return sent
