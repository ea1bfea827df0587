"""Puts the demo together: the services, the loopback Discord, the collector, the watched bot in its own process.

The only place of the demo that names concrete parts.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from whisperwatch.demo.backends import elsewhere
from whisperwatch.demo.backends.child import Child
from whisperwatch.demo.backends.chroma import Chroma
from whisperwatch.demo.backends.elsewhere import Elsewhere
from whisperwatch.demo.backends.llm import MODEL, LanguageModel
from whisperwatch.demo.backends.ports import free_port, require_free
from whisperwatch.demo.backends.postgres import Postgres
from whisperwatch.demo.backends.redis import Redis
from whisperwatch.demo.home import Home
from whisperwatch.demo.ledgers import Ledgers
from whisperwatch.demo.loopback import GuildPlan, Limits, LoopbackDiscord
from whisperwatch.demo.measured import Measured, scrape
from whisperwatch.demo.problem import DemoError
from whisperwatch.demo.receiver import Receiver
from whisperwatch.demo.truth import Truth
from whisperwatch.questions import slash_payload
from whisperwatch.state import VARIABLE, StateDirectory, hash_id
from whisperwatch.version import __version__

_CHANNELS = ("general", "stories", "night-owls")
_GUILDS = (GuildPlan("Harbour", _CHANNELS), GuildPlan("Attic", _CHANNELS))
_BOT_NAME = "Wren"
_SET_BY_US = (
    *("OTEL_", "WHISPERWATCH_", "HEALTH_CHECK_", "PERFORMANCE_", "MONITORING_CONFIG", "ALERTS_CONFIG"),
    *("ADMIN_", "PROMETHEUS_", "LOKI_", "TEMPO_", "COMPANION_", "OPENAI_", "CHROMA_"),
)
"""Variables of the user's that are kept from the demo's bot: it would show the user's settings instead of working."""
PRICE = {"input": 0.15, "output": 0.6}
"""USD for a million tokens: what the demo's model would cost if it were one."""
_FOR_THE_BOT = "DEMO_BOT_"
"""How a variable begins that is meant for it all the same: DEMO_BOT_HEALTH_CHECK_HOST is its HEALTH_CHECK_HOST."""
_SETTINGS = {
    "OTEL_SERVICE_NAME": "companion",
    "OTEL_RESOURCE_ATTRIBUTES": f"service.version={__version__}",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
    "OTEL_BSP_SCHEDULE_DELAY": "250",
    "OTEL_METRIC_EXPORT_INTERVAL": "5000",
    "WHISPERWATCH_LINGER": "200ms",
    "LLM_TOKEN_BUDGET": "1000000",
    "COMPANION_CONSOLIDATE_S": "4",
}


class Service(Protocol):
    """What the demo starts and stops."""

    name: str

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def environment(self) -> dict[str, str]: ...


class Stage:
    """Everything but the users. An async context manager: inside it, the bot is connected and watched.

    `port` is that of `/health` and `/metrics`; 0 takes any that is free. `say` is given a line for each step.
    The bot's owner is the user `owner`; `/watch` is published in the first guild.

    Attributes:
        settings: further variables of the bot's environment, to be set before it starts.
    """

    def __init__(self, say: Callable[[str], None], port: int = 0, seed: int = 7) -> None:
        self.truth = Truth()
        self.settings: dict[str, str] = {}
        self.discord = LoopbackDiscord(_GUILDS, people=(), limits=Limits.real(), seed=seed)
        self.discord.bot.name = _BOT_NAME
        self.discord.core.application.register(self.discord.guild().id, slash_payload())
        self.model = LanguageModel(seed)
        self.receiver = Receiver()
        self.home = Home()
        self.port = port or free_port()
        self._services: tuple[Service, ...] = (
            _there(elsewhere.DATABASE, "DATABASE_URL") or Postgres(self.home),
            _there(elsewhere.REDIS, "REDIS_URL") or Redis(self.home),
            _there(elsewhere.CHROMA, "CHROMA_URL") or Chroma(self.home),
            self.model,
            _there(elsewhere.COLLECTOR, "OTEL_EXPORTER_OTLP_ENDPOINT") or self.receiver,
        )
        self._say = say
        self._begin = time.monotonic()
        self._stack = AsyncExitStack()
        self.bot: Child | None = None

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/metrics"

    @property
    def ledgers(self) -> Ledgers:
        """What truly happened."""
        told = self._told()
        return Ledgers(self.truth, self.discord, self.model, told["DATABASE_URL"], told["REDIS_URL"])

    async def __aenter__(self) -> Self:
        try:
            require_free(self.port)
            await self._stack.enter_async_context(self.home)
            await self._stack.enter_async_context(self.discord)
            for service in self._services:
                self._stack.push_async_callback(service.stop)
            async with asyncio.TaskGroup() as starting:
                for service in self._services:
                    starting.create_task(self._start(service))
            await self._start_bot()
        except BaseException as error:
            await self._stack.aclose()
            if isinstance(error, BaseExceptionGroup):
                raise error.exceptions[0] from None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def measured(self) -> Measured:
        """A reading of `/metrics`. Raises OSError or ValueError."""
        return await scrape(self.metrics_url)

    def hashed(self) -> Callable[[int], str]:
        """How an id looks when it leaves the bot's process."""
        key = StateDirectory(self.state).key()
        return lambda number: hash_id(key, number)

    def see_to_bot(self) -> None:
        """Raises DemoError where the bot's process has ended by itself."""
        if self.bot is not None and self.bot.returncode is not None:
            raise DemoError(f"the bot ended with status {self.bot.returncode}: {self.bot.tail()}")

    @property
    def state(self) -> Path:
        """The bot's state directory, by which its watcher can be asked."""
        return self.home.path / "state"

    async def _start(self, service: Service) -> None:
        await service.start()
        self._tell(f"{service.name} is up")

    async def _start_bot(self) -> None:
        self.bot = Child(
            "bot", self.home, (sys.executable, "-m", "whisperwatch.demo.bot"),
            environment=self._environment(), stop_signal=signal.SIGINT,
        )  # fmt: skip
        self._stack.push_async_callback(self.bot.stop, 15)
        await self.bot.start()
        await self.bot.until(self._connected)
        self._tell(f"the bot is connected: {_BOT_NAME}, process {self.bot.pid}")
        await self.bot.until(self._watched)
        self._tell(f"it is watched: {self.health_url}  {self.metrics_url}")

    def _environment(self) -> dict[str, str]:
        # Gauges are read every 15 s by default: too slow to look at.
        config = self.home.path / "monitoring.yaml"
        config.write_text("monitoring: {metrics: {collection_interval: 1s}}\n")
        prices = self.home.path / "prices.json"
        prices.write_text(json.dumps({MODEL: PRICE}))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_SET_BY_US)}
        return (
            environment
            | self._told()
            | _SETTINGS
            | {
                VARIABLE: str(self.state),
                "MONITORING_CONFIG": str(config),
                "WHISPERWATCH_LLM_PRICES": str(prices),
                "HEALTH_CHECK_PORT": str(self.port),
                "COMPANION_DISCORD_PORT": str(self.discord.port),
                "DISCORD_TOKEN": self.discord.token,
                "ADMIN_GUILD_ID": str(self.discord.guild().id),
            }
            | _for_the_bot()
            | self.settings
        )

    def _told(self) -> dict[str, str]:
        """How the bot's process finds the services."""
        return {key: value for service in self._services for key, value in service.environment().items()}

    async def _connected(self) -> bool:
        return self.discord.ledger.connected("ready") > 0

    async def _watched(self) -> bool:
        try:
            await self.measured()
        except ValueError:
            return False
        return True

    def _tell(self, what: str) -> None:
        self._say(f"{time.monotonic() - self._begin:4.1f} s  {what}")


def _there(variable: str, told: str) -> Elsewhere | None:
    """A service that others run, where the environment names one."""
    url = elsewhere.address(variable)
    return Elsewhere(f"{variable}'s server", told, url) if url else None


def _for_the_bot() -> dict[str, str]:
    return {
        key.removeprefix(_FOR_THE_BOT): value
        for key, value in os.environ.items()
        if key.startswith(_FOR_THE_BOT)
    }
