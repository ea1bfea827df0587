"""How the bot is: what the watcher knows of its sources, as a report of checks; never ids or content."""
