"""The tape's way out of the bot's process: one daemon thread that sends, keeps the watcher and watches the loop."""

from whisperwatch.bot.ship.options import Options
from whisperwatch.bot.ship.ship import Ship

__all__ = ["Options", "Ship"]
