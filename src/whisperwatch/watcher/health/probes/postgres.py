"""PostgreSQL: `SELECT 1` over a connection of the watcher's own, opened with the bot's arguments and closed again.

By asyncpg, which the bot uses, so that it is there: 5 MB in the watcher, from the first PostgreSQL that is seen on.
"""

from __future__ import annotations

import asyncio
import importlib
import ssl
import sys
from collections.abc import Mapping
from typing import Any, Final

from .errors import ProbeError
from .reach import connect, first_host, trust

_TAKEN: Final = (
    "dsn", "host", "port", "user", "password", "passfile", "database", "ssl", "direct_tls",
)  # fmt: skip
_NAMED: Final = {"server_settings": {"application_name": "whisperwatch health"}}
_CLOSE_S: Final = 1.0


async def ask(arguments: Mapping[str, Any]) -> str:
    """Ask it `SELECT 1`; connect only, where the password, asyncpg or the certificate's issuer isn't known here.

    Raises:
        ProbeError: it answers something else.
        Exception: asyncpg's, and what connecting raises.
    """
    if "password" in (arguments.get("opaque") or ()):
        return await _connect_only(arguments, "its password is made by the bot's own code")
    asyncpg = sys.modules.get("asyncpg") or await asyncio.to_thread(_asyncpg)
    if asyncpg is None:
        return await _connect_only(arguments, "asyncpg is not installed here")
    try:
        answer = await _select(asyncpg, arguments)
    except ssl.SSLCertVerificationError:
        return await _connect_only(arguments, "its certificate isn't trusted here")
    if answer != 1:
        raise ProbeError("answers SELECT 1 with something else")
    return "answers SELECT 1"


async def _select(asyncpg: Any, arguments: Mapping[str, Any]) -> Any:
    given = {name: arguments[name] for name in _TAKEN if arguments.get(name) is not None}
    secured = _tls(arguments)
    if secured is not None:
        given["ssl"] = secured
    connection = await asyncpg.connect(**given, statement_cache_size=0, **_NAMED)
    try:
        return await connection.fetchval("SELECT 1")
    finally:
        await _close(connection)


def _tls(arguments: Mapping[str, Any]) -> Any:
    """TLS where the bot's own context can't come along: as asyncpg was told, and no less checked. None: as given."""
    mode = arguments.get("sslmode")
    if "ssl" not in (arguments.get("opaque") or ()):
        return None
    return mode if mode in ("allow", "prefer") else trust()


async def _connect_only(arguments: Mapping[str, Any], why: str) -> str:
    await connect(*first_host(arguments, 5432))
    return f"takes connections (not asked more, for {why})"


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
