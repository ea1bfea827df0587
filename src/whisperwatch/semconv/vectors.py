"""Vector stores, which are a bot's memory: the database conventions, and how near what was found is."""

from __future__ import annotations

from whisperwatch.semconv.attributes import ERROR_TYPE, SERVER_ADDRESS
from whisperwatch.semconv.database import (
    DB_BATCH_SIZE,
    DB_COLLECTION,
    DB_NAMESPACE,
    DB_OPERATION,
    DB_SYSTEM,
    SERVER_PORT,
)
from whisperwatch.semconv.model import Attribute, SpanName

DB_RETURNED_ROWS = "db.response.returned_rows"
MEMORY_OPERATION = "bot.memory.operation"
DISTANCE_MIN = "bot.memory.distance.min"
DISTANCE_MEAN = "bot.memory.distance.mean"
SCORE_MAX = "bot.memory.score.max"
SCORE_MEAN = "bot.memory.score.mean"

VECTOR_ATTRIBUTES = (
    Attribute(DB_RETURNED_ROWS, "How many records the answer has."),
    Attribute(
        MEMORY_OPERATION,
        "What a vector store was asked for, to the bot: a query retrieves, adding and upserting store.",
        ("retrieve", "store"),
    ),
    Attribute(
        DISTANCE_MIN, "The distance of the nearest record that was found, in the collection's own measure."
    ),
    Attribute(DISTANCE_MEAN, "The mean distance of the records that were found."),
    Attribute(SCORE_MAX, "The score of the best record that was found, in the collection's own measure."),
    Attribute(SCORE_MEAN, "The mean score of the records that were found."),
)

SPAN_VECTORS = SpanName(
    "{operation} {collection}", "client",
    "One operation of a vector store. Long numbers in the collection's name, which may be ids, are `#`.",
    (
        DB_SYSTEM, DB_NAMESPACE, DB_OPERATION, DB_COLLECTION, DB_BATCH_SIZE, DB_RETURNED_ROWS, MEMORY_OPERATION,
        DISTANCE_MIN, DISTANCE_MEAN, SCORE_MAX, SCORE_MEAN, SERVER_ADDRESS, SERVER_PORT, ERROR_TYPE,
    ),
)  # fmt: skip
