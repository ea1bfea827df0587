"""What only the bot's own code knows, and tells: a small API. Where no bot is watched, all of it does nothing."""
