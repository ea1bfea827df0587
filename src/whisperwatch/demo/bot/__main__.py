"""Runs the companion, watched: `python -m whisperwatch.demo.bot`."""

from __future__ import annotations

import os
from importlib.metadata import entry_points

import whisperwatch
from whisperwatch.demo.bot.companion import Companion
from whisperwatch.demo.loopback import pointing

_LIBRARIES = frozenset({"openai"})


def instrument_libraries() -> None:
    """Switch on OpenTelemetry's instrumentations of the libraries that we use, where they are installed."""
    for entry in entry_points(group="opentelemetry_instrumentor"):
        if entry.name in _LIBRARIES:
            entry.load()().instrument()


def main() -> None:
    """Run until told to stop."""
    bot = Companion()
    whisperwatch.watch(bot)
    instrument_libraries()
    # Only a demo needs the next line: the others talk to Discord itself.
    with pointing(int(os.environ["COMPANION_DISCORD_PORT"])):
        bot.run(os.environ["DISCORD_TOKEN"], root_logger=True)


if __name__ == "__main__":
    main()
