"""Which exception is which kind of error: a table over the libraries' own types.

A type is named by its top-level package and its class (`asyncpg.DeadlockDetectedError`, wherever in asyncpg it is
defined), so that no library has to be imported to be judged. The nearest type of an exception's MRO that is listed
decides. The failing dependency comes first: a language model's errors are `ai`, also when the wire to it broke; those
of stores and files are `system`; `network` is what is left of the wire; `user` is our user's doing and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Verdict:
    """What kind of error an exception is: members of `semconv.CATEGORIES`, `SEVERITIES` and `COMPONENTS`."""

    category: str
    severity: str
    component: str
    expected: bool = False
    """Where the bot catches it, it was an answer (a constraint, a lost race), not an error."""


NO_ERROR: Final = Verdict("user", "low", "discord", expected=True)
"""What a mistyped command is."""


def _llm(severity: str, *types: str) -> dict[str, Verdict]:
    packages = ("openai", "anthropic")
    return {f"{package}.{name}": Verdict("ai", severity, "llm") for package in packages for name in types}


def _rows(verdict: Verdict, package: str, *types: str) -> dict[str, Verdict]:
    return {f"{package}.{name}": verdict for name in types}


def _database(severity: str, expected: bool = False) -> Verdict:
    return Verdict("system", severity, "database", expected)


def _cache(severity: str, expected: bool = False) -> Verdict:
    return Verdict("system", severity, "cache", expected)


def _memory(severity: str, expected: bool = False) -> Verdict:
    return Verdict("system", severity, "memory", expected)


def _network(severity: str) -> Verdict:
    return Verdict("network", severity, "network")


def _discord(category: str, severity: str) -> Verdict:
    return Verdict(category, severity, "discord")


_USER = Verdict("user", "low", "discord")
_HOST = Verdict("system", "medium", "system")

RULES: Final[dict[str, Verdict]] = {
    # the language model
    **_llm("critical", "AuthenticationError", "PermissionDeniedError"),
    **_llm("high", "APIConnectionError", "APITimeoutError", "InternalServerError", "NotFoundError"),
    **_llm("medium", "RateLimitError", "BadRequestError", "APIStatusError", "APIError"),
    **_rows(Verdict("ai", "medium", "llm"), "openai", "OpenAIError"),
    **_rows(Verdict("ai", "low", "llm"), "openai", "LengthFinishReasonError", "ContentFilterFinishReasonError"),
    **_rows(Verdict("ai", "medium", "llm"), "anthropic", "AnthropicError"),
    # PostgreSQL
    **_rows(_database("critical"), "asyncpg", "InvalidAuthorizationSpecificationError", "InvalidCatalogNameError",
            "DiskFullError", "OutOfMemoryError"),
    **_rows(_database("high"), "asyncpg", "PostgresConnectionError", "InsufficientResourcesError",
            "OperatorInterventionError", "PostgresSystemError", "UndefinedTableError", "UndefinedColumnError",
            "ReadOnlySQLTransactionError"),
    **_rows(_database("medium"), "asyncpg", "PostgresError", "InterfaceError", "QueryCanceledError"),
    **_rows(_database("low"), "asyncpg", "TransactionRollbackError", "DataError"),
    **_rows(_database("low", expected=True), "asyncpg", "IntegrityConstraintViolationError"),
    **_rows(_database("high"), "sqlalchemy", "OperationalError", "TimeoutError", "DisconnectionError"),
    **_rows(_database("medium"), "sqlalchemy", "SQLAlchemyError"),
    **_rows(_database("low", expected=True), "sqlalchemy", "IntegrityError", "NoResultFound"),
    **_rows(_database("high"), "sqlite3", "DatabaseError"),
    **_rows(_database("medium"), "sqlite3", "OperationalError", "ProgrammingError", "DataError"),
    **_rows(_database("low", expected=True), "sqlite3", "IntegrityError"),
    # Redis
    **_rows(_cache("high"), "redis", "AuthenticationError", "AuthorizationError", "OutOfMemoryError",
            "ReadOnlyError", "ConnectionError", "RedisClusterException"),
    **_rows(_cache("medium"), "redis", "RedisError", "TimeoutError"),
    **_rows(_cache("low", expected=True), "redis", "WatchError", "LockError"),
    # the vector memory
    **_rows(_memory("high"), "chromadb", "ChromaAuthError", "AuthorizationError", "InternalError"),
    **_rows(_memory("medium"), "chromadb", "ChromaError"),
    **_rows(_memory("low", expected=True), "chromadb", "DuplicateIDError", "IDAlreadyExistsError",
            "UniqueConstraintError"),
    **_rows(_memory("high"), "qdrant_client", "ResponseHandlingException"),
    **_rows(_memory("medium"), "qdrant_client", "ApiException", "QdrantException"),
    # Discord
    **_rows(_discord("system", "critical"), "discord", "LoginFailure", "PrivilegedIntentsRequired"),
    **_rows(_discord("network", "high"), "discord", "DiscordServerError", "ConnectionClosed", "GatewayNotFound"),
    **_rows(_discord("network", "medium"), "discord", "HTTPException"),
    **_rows(_discord("system", "medium"), "discord", "RateLimited", "DiscordException"),
    **_rows(_discord("system", "low"), "discord", "Forbidden", "NotFound", "BotMissingPermissions",
            "BotMissingRole", "BotMissingAnyRole"),
    **_rows(_USER, "discord", "UserInputError", "ConversionError", "CheckFailure", "CommandOnCooldown",
            "MaxConcurrencyReached", "DisabledCommand", "TransformerError"),
    # the wire
    **_rows(_network("high"), "aiohttp", "ClientConnectorError", "ServerDisconnectedError"),
    **_rows(_network("medium"), "aiohttp", "ClientError"),
    **_rows(_network("high"), "httpx", "NetworkError", "ConnectTimeout"),
    **_rows(_network("medium"), "httpx", "HTTPError"),
    **_rows(_network("high"), "httpx2", "NetworkError", "ConnectTimeout"),
    **_rows(_network("medium"), "httpx2", "HTTPError"),
    **_rows(_network("high"), "requests", "ConnectionError"),
    **_rows(_network("medium"), "requests", "RequestException"),
    **_rows(_network("high"), "socket", "gaierror"),
    **_rows(_network("high"), "ssl", "SSLError"),
    **_rows(_network("high"), "builtins", "ConnectionError"),
    **_rows(_network("medium"), "builtins", "TimeoutError"),
    # the process and its files
    **_rows(Verdict("system", "critical", "system"), "builtins", "MemoryError"),
    **_rows(Verdict("system", "high", "system"), "builtins", "PermissionError", "RecursionError"),
    **_rows(_HOST, "builtins", "OSError"),
}  # fmt: skip
