"""PostgreSQL: `SELECT 1` over a connection of the watcher's own, opened with the bot's arguments and closed again.

By asyncpg, which the bot uses, so that it is there: 5 MB in the watcher, from the first PostgreSQL that is seen on.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from typing import Any, Final

from .errors import ProbeError
from .reach import connect, first_host

_TAKEN: Final = (
    "dsn", "host", "port", "user", "password", "passfile", "database", "ssl", "direct_tls",
)  # fmt: skip
_NAMED: Final = {"server_settings": {"application_name": "whisperwatch health"}}
_CLOSE_S: Final = 1.0


async def ask(arguments: Mapping[str, Any]) -> str:
    """Ask it `SELECT 1`; where the password or asyncpg isn't known here, connect only.

    Raises:
        ProbeError: it answers something else.
        Exception: asyncpg's, and what connecting raises.
    """
    hidden = set(arguments.get("opaque") or ())
    asyncpg = None if hidden & {"password", "ssl"} else await asyncio.to_thread(_asyncpg)
    if asyncpg is None:
        await connect(*first_host(arguments, 5432))
        why = "asyncpg is not installed here" if not hidden else "its password is made by the bot's own code"
        return f"takes connections (not asked more, for {why})"
    given = {name: arguments[name] for name in _TAKEN if arguments.get(name) is not None}
    connection = await asyncpg.connect(**given, statement_cache_size=0, **_NAMED)
    try:
        answer = await connection.fetchval("SELECT 1")
    finally:
        await _close(connection)
    if answer != 1:
        raise ProbeError("answers SELECT 1 with something else")
    return "answers SELECT 1"


async def _close(connection: Any) -> None:
    try:
        await connection.close(timeout=_CLOSE_S)
    except BaseException:
        connection.terminate()
        raise


def _asyncpg() -> Any:
    try:
        return importlib.import_module("asyncpg")
    except ImportError:
        return None
