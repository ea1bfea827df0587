"""Channels: get, change, delete, typing; a guild's channels; webhooks of a channel are in `webhooks`."""

from __future__ import annotations

from whisperwatch.demo.loopback.guilds import ChannelType
from whisperwatch.demo.loopback.rest.calls import Call, Created, Routes

routes = Routes()


@routes("GET", "/channels/{channel_id}")
async def channel(call: Call) -> object:
    return call.channel().payload()


@routes("PATCH", "/channels/{channel_id}")
async def edit_channel(call: Call) -> object:
    channel, body = call.channel(), await call.body()
    channel.name = body.get("name") or channel.name
    channel.topic = body.get("topic", channel.topic)
    call.core.gateway.dispatch("CHANNEL_UPDATE", channel.payload(), channel.guild_id)
    return channel.payload()


@routes("DELETE", "/channels/{channel_id}")
async def delete_channel(call: Call) -> object:
    channel = call.channel()
    if channel.guild is not None:
        del call.core.world.channels[channel.id]
        del channel.guild.channels[channel.id]
        call.core.gateway.dispatch("CHANNEL_DELETE", channel.payload(), channel.guild_id)
    return channel.payload()


@routes("POST", "/channels/{channel_id}/typing")
async def typing(call: Call) -> object:
    call.core.type_in(call.channel(), call.core.world.bot)
    return None


@routes("GET", "/guilds/{guild_id}/channels")
async def guild_channels(call: Call) -> object:
    return [channel.payload() for channel in call.guild().channels.values()]


@routes("POST", "/guilds/{guild_id}/channels")
async def create_channel(call: Call) -> object:
    guild, body = call.guild(), await call.body()
    kind = ChannelType.VOICE if body.get("type") == ChannelType.VOICE else ChannelType.TEXT
    channel = call.core.world.add_channel(guild, body["name"], kind)
    channel.topic = body.get("topic")
    call.core.gateway.dispatch("CHANNEL_CREATE", channel.payload(), guild.id)
    return Created(channel.payload())
