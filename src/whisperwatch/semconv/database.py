"""What is recorded of databases and caches, as OpenTelemetry's semantic conventions name it."""

from __future__ import annotations

from whisperwatch.semconv.attributes import BOT_NAME, ERROR_TYPE, SERVER_ADDRESS
from whisperwatch.semconv.model import FINE_SECONDS, Attribute, Metric, SpanName

DB_SYSTEM = "db.system.name"
DB_NAMESPACE = "db.namespace"
DB_OPERATION = "db.operation.name"
DB_COLLECTION = "db.collection.name"
DB_QUERY_TEXT = "db.query.text"
DB_QUERY_SUMMARY = "db.query.summary"
DB_BATCH_SIZE = "db.operation.batch.size"
DB_STATUS_CODE = "db.response.status_code"
DB_POOL = "db.client.connection.pool.name"
DB_CONNECTION_STATE = "db.client.connection.state"
SERVER_PORT = "server.port"
CACHE_NAME = "cache.name"
CACHE_RESULT = "cache.result"
SOURCE = "source"

DATABASE_ATTRIBUTES = (
    Attribute(DB_SYSTEM, "The sort of database.", (
        "postgresql", "redis", "chroma", "qdrant", "mysql", "mariadb", "sqlite", "microsoft.sql_server", "oracle.db",
        "other_sql",
    )),
    Attribute(DB_NAMESPACE, "The database's name, or Redis' database number; empty where it is not known."),
    Attribute(DB_OPERATION, "The SQL verb, or the command; `OTHER` for what is no known SQL, `PIPELINE` for several."),
    Attribute(DB_COLLECTION, "The table, where it is plain to see."),
    Attribute(DB_QUERY_TEXT, "The SQL, each literal a `?`, without comments. Parameters are not in it."),
    Attribute(DB_QUERY_SUMMARY, "The SQL verb and the table."),
    Attribute(DB_BATCH_SIZE, "How many commands a pipeline or a batch has."),
    Attribute(DB_STATUS_CODE, "The database's own code of the error: SQLSTATE; of Redis the error's first word."),
    Attribute(DB_POOL, "The pool: server and database."),
    Attribute(DB_CONNECTION_STATE, "What the connection does.", ("idle", "used")),
    Attribute(SERVER_PORT, "The port that was asked; left out where the server is a unix socket."),
    Attribute(CACHE_NAME, "The cache."),
    Attribute(CACHE_RESULT, "Whether the cache had it.", ("hit", "miss")),
    Attribute(SOURCE, "Where the figure comes from.", ("redis",)),
)  # fmt: skip

DB_DURATION = Metric(
    "db.client.operation.duration", "histogram", "s",
    "Duration of one call to a database.",
    (DB_SYSTEM, DB_NAMESPACE, DB_OPERATION, SERVER_ADDRESS, SERVER_PORT, ERROR_TYPE), FINE_SECONDS,
)  # fmt: skip
DB_CONNECTIONS = Metric(
    "db.client.connection.count", "updowncounter", "{connection}",
    "Open connections of a pool.", (DB_POOL, DB_CONNECTION_STATE),
)  # fmt: skip
DB_CONNECTIONS_MAX = Metric(
    "db.client.connection.max", "updowncounter", "{connection}",
    "Connections that a pool may open.", (DB_POOL,),
)  # fmt: skip
DB_CONNECTIONS_PENDING = Metric(
    "db.client.connection.pending_requests", "updowncounter", "{request}",
    "Who waits for a connection of a pool.", (DB_POOL,),
)  # fmt: skip
DB_CONNECTION_TIMEOUTS = Metric(
    "db.client.connection.timeouts", "counter", "{timeout}",
    "Waits for a connection of a pool that were given up.", (DB_POOL,),
)  # fmt: skip
DB_CONNECTION_WAIT = Metric(
    "db.client.connection.wait_time", "histogram", "s",
    "Time until a pool gave a connection.", (DB_POOL,), FINE_SECONDS,
)  # fmt: skip
DB_CONNECTION_USE = Metric(
    "db.client.connection.use_time", "histogram", "s",
    "Time for which a connection was out of its pool.", (DB_POOL,), FINE_SECONDS,
)  # fmt: skip
DB_CONNECTION_CREATE = Metric(
    "db.client.connection.create_time", "histogram", "s",
    "Time that opening a connection took.", (DB_POOL,), FINE_SECONDS,
)  # fmt: skip
CACHE_REQUESTS = Metric(
    "bot.cache.requests", "counter", "{request}",
    "Look-ups in a cache.", (BOT_NAME, CACHE_NAME, CACHE_RESULT, SOURCE),
)  # fmt: skip

SPAN_SQL = SpanName(
    "{verb} {table}", "client", "One SQL statement; of asyncpg's cursors, one batch of rows.",
    (DB_SYSTEM, DB_NAMESPACE, DB_OPERATION, DB_COLLECTION, DB_QUERY_TEXT, DB_QUERY_SUMMARY, SERVER_ADDRESS,
     SERVER_PORT, DB_STATUS_CODE, ERROR_TYPE),
)  # fmt: skip
SPAN_SQL_CONNECT = SpanName(
    "connect", "client", "The opening of a connection to PostgreSQL.",
    (DB_SYSTEM, DB_NAMESPACE, DB_OPERATION, SERVER_ADDRESS, SERVER_PORT, ERROR_TYPE),
)  # fmt: skip
SPAN_POOL_WAIT = SpanName(
    "acquire", "client", "A wait for a pool's connection, where it took 5 ms or more, or was given up.",
    (DB_SYSTEM, DB_NAMESPACE, DB_OPERATION, SERVER_ADDRESS, SERVER_PORT, ERROR_TYPE),
)  # fmt: skip
SPAN_REDIS = SpanName(
    "{command}", "client", "One Redis command, or one pipeline.",
    (DB_SYSTEM, DB_NAMESPACE, DB_OPERATION, DB_BATCH_SIZE, SERVER_ADDRESS, SERVER_PORT, DB_STATUS_CODE, ERROR_TYPE),
)  # fmt: skip
