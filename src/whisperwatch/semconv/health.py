"""The components whose health is told, by the names that routes, commands and settings use."""

from __future__ import annotations

from whisperwatch.semconv.model import Attribute, Metric

HEALTH_COMPONENTS = (
    "system", "llm", "database", "memory", "cache", "discord", "tasks", "security", "monitor",
)  # fmt: skip
"""The guide's eight, and the monitor itself."""
COMPONENT_ALIASES = {"databases": "database", "background_tasks": "tasks"}
"""Other names that mean one of them."""
HEALTH_COMPONENT = "whisperwatch.component.name"

HEALTH_ATTRIBUTES = (
    Attribute(
        HEALTH_COMPONENT,
        "The component: one of the nine of `/health/detailed`, or one of the bot's own health checks.",
    ),
)
HEALTH = Metric(
    "whisperwatch.component.health", "gauge", "{status}",
    "How a component is: 1 healthy, 0.5 degraded, 0 unhealthy, -1 unknown or not configured.",
    (HEALTH_COMPONENT,), (), "watcher",
)  # fmt: skip
