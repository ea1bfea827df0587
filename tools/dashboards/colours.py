"""One thing, one colour, on every dashboard: what is good is green, what is bad is red, and the rest stays apart."""

from __future__ import annotations

from typing import Final

GOOD: Final = "green"
WARNING: Final = "yellow"
BAD: Final = "red"
COLOURS: Final = {
    "P50": "light-blue", "P95": "blue", "P99": "dark-purple",
    # outcomes
    "ok": "green", "user_error": "yellow", "rate_limited": "orange", "failure": "red", "cancelled": "text",
    "retried": "purple",
    # severities and levels
    "critical": "dark-red", "high": "red", "medium": "orange", "low": "yellow",
    # components
    "llm": "purple", "database": "blue", "memory": "super-light-purple", "cache": "orange", "discord": "dark-blue",
    "network": "light-blue", "system": "dark-yellow", "tasks": "light-orange", "security": "dark-red", "bot": "green",
    # categories of errors
    "ai": "purple", "user": "yellow",
    # two of a kind
    "hit": "green", "miss": "orange", "used": "orange", "idle": "green", "free": "green", "input": "blue",
    "output": "purple", "read": "blue", "write": "purple", "receive": "blue", "transmit": "purple",
    "positive": "green", "neutral": "text", "negative": "red",
    "allowed": "green", "denied": "orange", "failed": "red",
    # signals
    "spans": "purple", "metrics": "blue", "logs": "green",
}  # fmt: skip
"""By the name that stands in the legend."""
