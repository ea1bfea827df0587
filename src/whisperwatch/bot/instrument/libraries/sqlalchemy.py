"""SQLAlchemy: a span for each statement, where the driver below has none of its own."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from sqlalchemy.engine import base

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.calls import ended, suppressed
from whisperwatch.bot.instrument.libraries.databases import Server, SQLCall, server_of
from whisperwatch.bot.instrument.libraries.endpoints import remember
from whisperwatch.bot.instrument.libraries.library import Undo, is_at_work
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.patches import Patch

_SYSTEMS = {
    "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mariadb", "sqlite": "sqlite",
    "mssql": "microsoft.sql_server", "oracle": "oracle.db",
}  # fmt: skip
_DRIVERS = {
    "asyncpg": "opentelemetry.instrumentation.asyncpg:AsyncPGInstrumentor",
    "psycopg": "opentelemetry.instrumentation.psycopg:PsycopgInstrumentor",
    "psycopg_async": "opentelemetry.instrumentation.psycopg:PsycopgInstrumentor",
    "psycopg2": "opentelemetry.instrumentation.psycopg2:Psycopg2Instrumentor",
    "pymysql": "opentelemetry.instrumentation.pymysql:PyMySQLInstrumentor",
    "mysqldb": "opentelemetry.instrumentation.mysqlclient:MySQLClientInstrumentor",
    "mysqlconnector": "opentelemetry.instrumentation.mysql:MySQLInstrumentor",
    "pysqlite": "opentelemetry.instrumentation.sqlite3:SQLite3Instrumentor",
}
"""By driver, what may instrument it."""
_patches = LibraryPatches("sqlalchemy")


def apply() -> Undo:
    """Patch SQLAlchemy; returns what takes it back."""
    _patches.apply([
        Patch(base.Connection, "_exec_single_context", _executing),
        Patch(base.Connection, "_exec_insertmany_context", _executing),
    ])  # fmt: skip
    return _patches.undo


def _executing(original: Any) -> Any:
    def execute(self: Any, dialect: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begun(self, dialect, context) if _patches.on else None
        if call is None:
            return original(self, dialect, context, *args, **kwargs)
        try:
            result = original(self, dialect, context, *args, **kwargs)
        except BaseException as error:
            ended(call, getattr(error, "orig", None) or error)
            raise
        ended(call)
        return result

    return execute


def _begun(connection: Any, dialect: Any, context: Any) -> SQLCall | None:
    try:
        if suppressed() or _is_seen_below(dialect.driver):
            return None
        engine = connection.engine
        server = vars(engine).get("_whisperwatch")
        if server is None:
            server = engine._whisperwatch = _server(dialect, engine.url)
        return SQLCall(server.sent(str(context.statement)))
    except Exception:
        guard.failed("sqlalchemy")
        return None


def _is_seen_below(driver: str) -> bool:
    """Whether the driver is instrumented: its span is nearer to what happens."""
    from whisperwatch.bot.instrument.libraries.registry import registry

    return driver in registry.applied or is_at_work(_DRIVERS.get(driver, ""))


def _server(dialect: Any, url: Any) -> Server:
    system = _SYSTEMS.get(dialect.name, "other_sql")
    database = PurePath(url.database or "").name if system == "sqlite" else url.database or ""
    if system == "postgresql":
        remember(system, {
            "host": url.host, "port": url.port, "user": url.username, "database": url.database,
            "password": None if url.password is None else str(url.password),
        })  # fmt: skip
    return server_of(system, database, url.host or "localhost", url.port)
