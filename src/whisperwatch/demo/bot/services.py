"""What the companion stands on: PostgreSQL, Redis, Chroma and a language model, from the environment's addresses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import chromadb
import openai
from chromadb.api.models.AsyncCollection import AsyncCollection
from chromadb.config import Settings
from redis.asyncio import Redis

_SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    id bigint PRIMARY KEY, name text NOT NULL, met timestamptz NOT NULL DEFAULT now(),
    daily integer NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS turns (
    id bigserial PRIMARY KEY, person bigint NOT NULL REFERENCES people, said text NOT NULL, answer text NOT NULL,
    consolidated boolean NOT NULL DEFAULT false, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS notes (
    id bigserial PRIMARY KEY, person bigint NOT NULL REFERENCES people, text text NOT NULL);
CREATE TABLE IF NOT EXISTS moods (
    person bigint NOT NULL REFERENCES people, mood text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS feedback (
    person bigint NOT NULL REFERENCES people, text text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS consolidations (turns integer NOT NULL, at timestamptz NOT NULL DEFAULT now());
"""


POOL_SIZE = 8


async def open_pool(size: int, timeout_s: float | None) -> Any:
    """A pool of up to `size` connections, whose statements may take `timeout_s` seconds; None: for ever."""
    return await asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=min(2, size), max_size=size, command_timeout=timeout_s
    )


@dataclass(slots=True)
class Services:
    """Open connections; `close()` them. The pool may be another one later: nobody keeps it."""

    pool: Any  # asyncpg has no types
    redis: Redis
    memories: AsyncCollection
    model: openai.AsyncOpenAI
    model_name: str

    @classmethod
    async def open(cls) -> Services:
        """Connect to everything and see to the schema."""
        pool = await open_pool(POOL_SIZE, None)
        await pool.execute(_SCHEMA)
        redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
        where = urlsplit(os.environ["CHROMA_URL"])
        chroma = await chromadb.AsyncHttpClient(
            where.hostname or "localhost", where.port or 8000, settings=Settings(anonymized_telemetry=False)
        )
        memories = await chroma.get_or_create_collection("memories", embedding_function=None)
        return cls(pool, redis, memories, openai.AsyncOpenAI(max_retries=1), os.environ["OPENAI_MODEL"])

    async def close(self) -> None:
        """Close the connections."""
        await self.model.close()
        await self.redis.aclose()
        await self.pool.close()

    async def meet(self, person: int, name: str) -> None:
        """See that this person is on record."""
        await self.pool.execute(
            "INSERT INTO people (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", person, name
        )
