"""Tuning: what the bot's admins may change while it runs, by `config set`. Each shows in what is measured."""

from __future__ import annotations

import whisperwatch
from whisperwatch.demo.bot.companion import Companion
from whisperwatch.demo.bot.memories import EVERY_S, Memories
from whisperwatch.demo.bot.services import POOL_SIZE, open_pool


class Tuning:
    """The companion's settings: the pool of its database, and its job."""

    def __init__(self, bot: Companion) -> None:
        self.bot = bot
        self.pool_size = POOL_SIZE
        self.timeout_s = 30.0
        self.cleanup_s = EVERY_S

    @property
    def memories(self) -> Memories:
        """The cog whose job tidies up."""
        cog = self.bot.get_cog("Memories")
        assert isinstance(cog, Memories)
        return cog

    async def set_pool_size(self, size: int) -> None:
        """Shows in `db.client.connection.max`."""
        await self._reopen(size, self.timeout_s)
        self.pool_size = size

    async def set_timeout(self, seconds: float) -> None:
        """Statements that take longer fail, and are counted."""
        await self._reopen(self.pool_size, seconds)
        self.timeout_s = seconds

    def set_cleanup(self, seconds: float) -> None:
        """Shows in the count of `discord.task.duration`."""
        self.memories.consolidate.change_interval(seconds=seconds)
        self.cleanup_s = seconds

    def set_tidying(self, on: bool) -> None:
        """Shows in `cpython.gc.collections` of generation 2."""
        self.memories.tidies = on

    async def _reopen(self, size: int, timeout_s: float) -> None:
        """asyncpg's pools have the size that they are made with: the new one takes over, the old one is let go of."""
        services = self.bot.services
        old, services.pool = services.pool, await open_pool(size, timeout_s)
        await old.close()


async def setup(bot: Companion) -> None:
    """discord.py's entry point of an extension."""
    tuning = Tuning(bot)
    whisperwatch.setting(
        "DATABASE_POOL_SIZE", get=lambda: tuning.pool_size, set=tuning.set_pool_size, least=1, most=40,
        help="How many connections to PostgreSQL there may be.",
    )  # fmt: skip
    whisperwatch.setting(
        "DATABASE_TIMEOUT", get=lambda: tuning.timeout_s, set=tuning.set_timeout, least=0.1, most=600,
        help="How long a statement may take, in seconds.",
    )  # fmt: skip
    whisperwatch.setting(
        "MEMORY_CLEANUP_INTERVAL", get=lambda: tuning.cleanup_s, set=tuning.set_cleanup, least=1, most=86_400,
        help="How often what was said is digested, in seconds.",
    )  # fmt: skip
    whisperwatch.setting(
        "MEMORY_OPTIMIZATION_ENABLED", get=lambda: tuning.memories.tidies, set=tuning.set_tidying,
        help="Whether memory is given back whenever what was said is digested.",
    )  # fmt: skip
