"""The entry point by which `opentelemetry-instrument` finds us."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from whisperwatch.bot.watch import instrument, uninstrument


class DiscordInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Instruments discord.py; under `opentelemetry-instrument` the distro's providers are the host's."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ("discord.py >= 2.4, < 3",)

    def _instrument(self, **kwargs: Any) -> None:
        instrument(resource=kwargs.get("resource"))

    def _uninstrument(self, **kwargs: Any) -> None:
        uninstrument()
