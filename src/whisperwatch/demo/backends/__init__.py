"""The services behind the demo's bot: real servers, started here, gone afterwards.

Each is a class with `start()`, `stop()` and `environment()`, the variables by which the bot's process finds it.
"""
