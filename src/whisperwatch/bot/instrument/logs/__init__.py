"""What the bot logs, by `logging` or loguru: recorded with its trace, and its errors counted."""
