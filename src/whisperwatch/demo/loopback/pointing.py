"""Points an unmodified discord.py at a loopback Discord."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route


class Addressed(Protocol):
    """Something that listens on a port of 127.0.0.1."""

    @property
    def port(self) -> int: ...


@contextmanager
def pointing(discord_server: Addressed | int) -> Iterator[None]:
    """discord.py talks to this server (or to the one on this port) inside the block, REST, gateway and CDN.

    Clients that connect inside the block keep what they were given: close them inside it, too.
    """
    port = discord_server if isinstance(discord_server, int) else discord_server.port
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.Asset.BASE
    Route.BASE = f"http://127.0.0.1:{port}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://127.0.0.1:{port}/gateway")
    discord.Asset.BASE = f"http://127.0.0.1:{port}/cdn"
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.Asset.BASE = before
