"""The table of patches over discord.py: what is replaced, and by what. Read at 2.4.0 and 2.7.1."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
from discord import app_commands, gateway, http, ui
from discord.ext import commands, tasks
from discord.ext.commands import bot as commands_bot
from discord.ui import view as ui_view
from discord.webhook import async_ as webhook

from whisperwatch.bot.instrument import commands as prefix
from whisperwatch.bot.instrument import components, events, identifies, interactions, rest, voice, waits
from whisperwatch.bot.instrument import gateway as connection
from whisperwatch.bot.instrument import tasks as background
from whisperwatch.bot.instrument.activity import expire_conversations
from whisperwatch.bot.instrument.errors import unawaited
from whisperwatch.bot.instrument.gauges import read_bots
from whisperwatch.bot.instrument.patches import Patch

_VIEW: Any = getattr(ui_view, "BaseView", ui.View)
"""Since discord.py 2.6 `View` and `LayoutView` share a base."""

COLLECTORS = (read_bots, background.read_next_runs, expire_conversations)
"""What reads the bots' gauges."""


def patches(started: Any) -> list[Patch]:
    """Every patch. `started` wraps `Client.login`: it begins what waits for a client to be set up."""
    return [
        Patch(discord.Client, "login", started),
        Patch(discord.Client, "_run_event", events.run_event),
        Patch(discord.Client, "wait_for", events.wait_for),
        Patch(gateway.DiscordWebSocket, "from_client", connection.from_client),
        Patch(gateway.DiscordWebSocket, "identify", identifies.identify),
        Patch(gateway.DiscordWebSocket, "close", connection.close),
        Patch(gateway.KeepAliveHandler, "stop", connection.stop),
        Patch(commands_bot.BotBase, "invoke", prefix.invoke),
        Patch(commands.Command, "dispatch_error", prefix.dispatch_error),
        Patch(app_commands.CommandTree, "_from_interaction", interactions.from_interaction),
        Patch(app_commands.CommandTree, "_call", interactions.call),
        Patch(app_commands.CommandTree, "_dispatch_error", interactions.dispatch_error),
        Patch(app_commands.Command, "_invoke_error_handlers", interactions.invoke_error_handlers),
        Patch(app_commands.Command, "_invoke_autocomplete", interactions.observed),
        Patch(app_commands.ContextMenu, "_invoke", interactions.observed),
        Patch(_VIEW, "_scheduled_task", components.view_task),
        Patch(ui.Modal, "_scheduled_task", components.view_task),
        Patch(ui_view.ViewStore, "schedule_dynamic_item_call", components.dynamic_item),
        Patch(_VIEW, "_dispatch_timeout", background.view_timeout),
        Patch(tasks.Loop, "_loop", background.loop),
        Patch(http.HTTPClient, "request", rest.request),
        Patch(http.Ratelimit, "acquire", waits.acquire),
        Patch(http.Ratelimit, "_refresh", waits.refresh),
        Patch(webhook.AsyncDeferredLock, "__aenter__", waits.wait_for_others),
        Patch(webhook.AsyncDeferredLock, "__aexit__", waits.defer_others),
        Patch(webhook.AsyncWebhookAdapter, "request", rest.webhook_request),
        Patch(discord.VoiceClient, "connect", voice.connect),
        Patch(asyncio.BaseEventLoop, "call_exception_handler", unawaited.call_exception_handler),
    ]


def register(client: Any) -> None:
    """Make the cells of every registered command, so that they are exported as 0 from the start."""
    if hasattr(client, "walk_commands"):
        prefix.register(client)
    interactions.register(client)
