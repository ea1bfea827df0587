"""asyncpg: a span for each statement, each batch of a cursor's rows and each new connection.

The innermost functions that know a statement's text are patched, so that each statement is seen once however it was
sent: by a connection, a pool, a prepared statement, a transaction. What a pool sends to clean a connection that comes
back is not recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from asyncpg import connect_utils, connection, cursor, pool, prepared_stmt

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries import asyncpg_pool
from whisperwatch.bot.instrument.libraries.calls import ended, suppressed
from whisperwatch.bot.instrument.libraries.databases import Server, SQLCall, server_of
from whisperwatch.bot.instrument.libraries.endpoints import remember
from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.patches import Patch

_SYSTEM = "postgresql"
_SOCKET = re.compile(r"(.*)/\.s\.PGSQL\.(\d+)$")
_patches = LibraryPatches("asyncpg")
_connecting: ContextVar[Server | None] = ContextVar("whisperwatch_asyncpg", default=None)
"""The server that this task is connecting to."""

Text = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
"""The connection and the SQL of a call, from its `self` and arguments; None where it is not to be recorded."""


def apply() -> Undo:
    """Patch asyncpg; returns what takes it back."""
    connected, prepared = connection.Connection, prepared_stmt.PreparedStatement
    rows, base = getattr(cursor, "Cursor", None), getattr(cursor, "BaseCursor", None)
    _patches.apply([
        Patch(connected, "execute", _sending(_simple)),
        Patch(connected, "_execute", _sending(_first)),
        Patch(connected, "_executemany", _sending(_first)),
        Patch(connected, "_copy_in", _sending(_first)),
        Patch(connected, "_copy_out", _sending(_first)),
        Patch(connected, "copy_records_to_table", _sending(_copied)),
        Patch(prepared, "_PreparedStatement__do_execute", _sending(_prepared)),
        Patch(base, "_bind_exec", _sending(_of_cursor)),
        Patch(base, "_bind", _sending(_of_cursor)),
        Patch(base, "_exec", _sending(_of_cursor)),
        Patch(rows, "forward", _sending(_of_cursor)),
        Patch(connect_utils, "_parse_connect_arguments", _parse),
        Patch(connect_utils, "_connect", _connect),
        *asyncpg_pool.patches(_patches, pool, server),
    ])  # fmt: skip
    return _undo


def _undo() -> None:
    _patches.undo()
    asyncpg_pool.forget()


def server(connected: Any) -> Server:
    """The database that a connection is open to."""
    key = (connected._addr, connected._params.database)
    found = _by_address.get(key)
    if found is None:
        found = _server(*key)
        if len(_by_address) < 100:
            _by_address[key] = found
    return found


_by_address: dict[Any, Server] = {}


def _server(address: Any, database: Any) -> Server:
    host, port = _host_and_port(address)
    return server_of(_SYSTEM, database or "", host, None if isinstance(address, str) else port)


def _host_and_port(address: Any) -> tuple[str, int]:
    """Of a unix socket its folder, and the port in its name, as clients are given them."""
    if not isinstance(address, str):
        return str(address[0]), int(address[1])
    socket = _SOCKET.match(address)
    return (socket.group(1), int(socket.group(2))) if socket else (address, 5432)


def _sending(text: Text) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        async def send(self: Any, *args: Any, **kwargs: Any) -> Any:
            call = None
            if _patches.on:
                try:
                    found = None if suppressed() else text(self, args, kwargs)
                    if found is not None:
                        call = SQLCall(server(found[0]).sent(found[1]))
                except Exception:
                    guard.failed("asyncpg")
            if call is None:
                return await original(self, *args, **kwargs)
            try:
                answer = await original(self, *args, **kwargs)
            except BaseException as error:
                ended(call, error)
                raise
            ended(call)
            return answer

        return send

    return make


def _simple(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """With arguments `execute` goes on to `_execute`; without, it may be the pool that cleans up."""
    query = args[0] if args else kwargs.get("query")
    return None if len(args) > 1 or query is self._reset_query else (self, query)


def _first(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return self, args[0]


def _copied(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    table = args[0] if args else kwargs["table_name"]
    return self, f'COPY "{table}" FROM STDIN'


def _prepared(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return self._connection, self._query


def _of_cursor(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return self._connection, self._query if self._query is not None else self._state.query


def _parse(original: Any) -> Any:
    def parse_connect_arguments(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        if _patches.on:
            try:
                _note(*found)
            except Exception:
                guard.failed("asyncpg connect arguments")
        return found

    return parse_connect_arguments


def _note(addresses: Any, params: Any, *rest: Any) -> None:
    """Keep where a connection will go, as asyncpg has put it together from the call, the DSN and the environment."""
    if suppressed():
        return
    _connecting.set(_server(addresses[-1], params.database))
    for address in addresses:
        host, port = _host_and_port(address)
        remember(_SYSTEM, {
            "host": host, "port": port, "user": params.user, "password": params.password,
            "database": params.database, "ssl": params.ssl,
            "sslmode": getattr(params.sslmode, "name", None),
        })  # fmt: skip


def _connect(original: Any) -> Any:
    async def _connect(**kwargs: Any) -> Any:
        if not _patches.on:
            return await original(**kwargs)
        _connecting.set(None)
        call = _Opening()
        try:
            opened = await original(**kwargs)
        except BaseException as error:
            call.ended(_connecting.get(), error)
            raise
        call.ended(_connecting.get(), None, opened)
        return opened

    return _connect


class _Opening:
    """A connection that is being opened: to which server, is known only later."""

    def __init__(self) -> None:
        self._start = asyncpg_pool.now()

    def ended(self, to: Server | None, error: BaseException | None, opened: Any = None) -> None:
        try:
            if opened is not None and to is not None:
                to = server(opened)
            if to is not None:
                asyncpg_pool.step(to, "connect", self._start, error)
                if error is None:
                    asyncpg_pool.cells_of(to).create.record((asyncpg_pool.now() - self._start) / 1e9)
        except Exception:
            guard.failed("asyncpg connect")
