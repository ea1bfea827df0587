"""How a client stands with Discord: where it finds it, and which privileged intents it lacks. Read on ship's thread."""

from __future__ import annotations

import sys
from typing import Any, Final
from urllib.parse import urlsplit

import discord

from whisperwatch.bot.instrument.bots import bot_of

_MOST_HOSTS: Final = 8
_NEEDED_BY: Final = {
    "members": ("on_member_join", "on_member_remove", "on_member_update"),
    "presences": ("on_presence_update",),
}
_PORTS: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80}


def hosts(clients: list[Any]) -> list[tuple[str, int]]:
    """Host and port of Discord's REST API and gateways as these clients use them, or of the proxy before them."""
    found: dict[tuple[str, int], None] = {}
    for client in clients:
        proxy = getattr(client.http, "proxy", None)
        shards = list(bot_of(client).shards.values())
        gateways = [getattr(shard.socket, "gateway", None) for shard in shards if shard.socket is not None]
        urls = [proxy] if proxy else [discord.http.Route.BASE, *(gateways or [_default_gateway()])]
        for url in urls:
            parts = urlsplit(str(url or ""))
            if parts.hostname and len(found) < _MOST_HOSTS:
                found[parts.hostname, parts.port or _PORTS.get(parts.scheme, 443)] = None
    return list(found)


def _default_gateway() -> Any:
    return discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY


def lacks(client: Any) -> dict[str, str]:
    """Privileged intents that the client didn't ask for though it has what needs them: name and why."""
    intents = client.intents
    found = {}
    if not intents.message_content and _reads_commands(client):
        found["message_content"] = "prefix commands in guilds are never seen"
    for intent, events in _NEEDED_BY.items():
        deaf = [event for event in events if _listens(client, event)]
        if deaf and not getattr(intents, intent):
            found[intent] = f"{deaf[0]} is never called"
    return found


def _reads_commands(client: Any) -> bool:
    commands = sys.modules.get("discord.ext.commands")
    if commands is None or not isinstance(client, commands.Bot):
        return False
    own = [command for name, command in list(client.all_commands.items()) if name != "help"]
    if client.command_prefix is commands.when_mentioned:
        return False
    return any(not isinstance(command, commands.HybridCommand | commands.HybridGroup) for command in own)


def _listens(client: Any, event: str) -> bool:
    return hasattr(client, event) or bool(getattr(client, "extra_events", {}).get(event))
