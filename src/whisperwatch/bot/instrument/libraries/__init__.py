"""Libraries by which bots reach databases, caches, models and HTTP servers: patched when the bot imports them."""
