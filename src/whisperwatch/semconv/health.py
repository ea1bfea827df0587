"""The components whose health is told, by the names that routes, commands and settings use."""

from __future__ import annotations

COMPONENTS = (
    "system", "llm", "database", "memory", "cache", "discord", "tasks", "security", "monitor",
)  # fmt: skip
"""The guide's eight, and the monitor itself."""
COMPONENT_ALIASES = {"databases": "database", "background_tasks": "tasks"}
"""Other names that mean one of them."""
