"""The admin commands in Discord. Thin: who asks is checked, the watcher is asked, what comes is posted.

They are nowhere registered. A name is looked for among ours only after the bot has none of it, so the bot's own names
win, now and later; and only for an admin, so to all others ours don't exist. The bot's help, its checks, hooks and
error handlers, and what is recorded of it, know nothing of them.
"""

from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.admin.hooks import patches, started, stopped

__all__ = ["desk", "patches", "started", "stopped"]
