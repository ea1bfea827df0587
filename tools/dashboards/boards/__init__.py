"""The dashboards, in the order in which somebody looks for what is wrong."""

from __future__ import annotations

from typing import Final

from tools.dashboards.boards import (
    commands,
    databases,
    engagement,
    errors,
    fleet,
    gateway,
    host,
    llm,
    memory,
    monitor,
    overview,
)

BOARDS: Final = tuple(
    module.BOARD
    for module in (
        overview, gateway, commands, llm, databases, memory, errors, engagement, host, monitor, fleet,
    )
)  # fmt: skip
