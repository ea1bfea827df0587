"""The embedded store: one SQLite file that keeps what a bot's process recorded, for as long as the settings say."""
