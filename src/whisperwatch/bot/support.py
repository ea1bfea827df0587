"""Which `discord` is watched: discord.py itself, from the oldest that is tested."""

from __future__ import annotations

import discord

OLDEST = (2, 4)
"""The oldest discord.py that is watched."""


def unsupported() -> str | None:
    """Why the installed `discord` is not watched; None where it is."""
    title = getattr(discord, "__title__", "discord")
    if title != "discord":
        return (
            f"the installed `discord` is {title}, not discord.py: it is not watched, and runs as it would without "
            "Whisperwatch"
        )
    version = discord.version_info
    if (version.major, version.minor) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return (
            f"discord.py {discord.__version__} is older than {oldest}: it is not watched; update discord.py"
        )
    return None
