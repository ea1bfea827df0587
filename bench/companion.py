"""What a companion's command waits for: one query, two Redis commands, one streamed answer of a language model.

    python -m bench.companion

serves them: the demo's PostgreSQL, Redis and model, which answers without delay, in processes that nobody is charged
for. It prints where they are, as a JSON object of environment variables, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS people (id int PRIMARY KEY, name text);
INSERT INTO people VALUES (1, 'ada') ON CONFLICT DO NOTHING;
"""


class Services:
    """The bot's clients, made as a bot makes them. Nothing is imported before: a variant instruments first."""

    def __init__(self, pool: Any, redis: Any, model: Any) -> None:
        self.pool, self.redis, self.model = pool, redis, model

    @classmethod
    async def open(cls) -> Services:
        """Connect to what the environment names."""
        import asyncpg
        import openai
        from redis.asyncio import Redis

        pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=4)
        redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
        return cls(pool, redis, openai.AsyncOpenAI(max_retries=1))

    async def answer(self) -> str:
        """What the command does."""
        row = await self.pool.fetchrow("SELECT name FROM people WHERE id = $1", 1)
        mood = await self.redis.get("mood")
        await self.redis.set("mood", "fine", ex=60)
        stream = await self.model.chat.completions.create(
            model=os.environ["OPENAI_MODEL"],
            messages=[{"role": "user", "content": f"{row['name']} is {mood or 'new'} and says hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    async def close(self) -> None:
        """Close the connections."""
        await self.model.close()
        await self.redis.aclose()
        await self.pool.close()


async def _serve() -> None:
    import asyncpg

    from whisperwatch.demo.backends.llm import LanguageModel
    from whisperwatch.demo.backends.postgres import Postgres
    from whisperwatch.demo.backends.redis import Redis
    from whisperwatch.demo.home import Home

    async with Home() as home, AsyncExitStack() as stack:
        postgres, redis, model = Postgres(home), Redis(home), LanguageModel()
        model.temper.first_token_s = model.temper.token_s = 0.0
        environment: dict[str, str] = {}
        for server in (postgres, redis, model):
            await server.start()
            stack.push_async_callback(server.stop)
            environment |= server.environment()
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute(_SCHEMA)
        await connection.close()
        print(json.dumps(environment), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
