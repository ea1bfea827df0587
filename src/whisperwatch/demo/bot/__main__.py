"""Runs the companion, watched: `python -m whisperwatch.demo.bot`."""

from __future__ import annotations

import os

import whisperwatch
from whisperwatch.demo.bot.companion import Companion
from whisperwatch.demo.loopback import pointing


def main() -> None:
    """Run until told to stop."""
    bot = Companion()
    whisperwatch.watch(bot)
    # Only a demo needs the next line: the others talk to Discord itself.
    with pointing(int(os.environ["COMPANION_DISCORD_PORT"])):
        bot.run(os.environ["DISCORD_TOKEN"], root_logger=True)


if __name__ == "__main__":
    main()
