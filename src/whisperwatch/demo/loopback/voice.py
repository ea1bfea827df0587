"""Voice, as far as the gateway goes: who is in which channel, and where a bot would connect to.

There is no voice server: VOICE_SERVER_UPDATE comes with `endpoint: null`, which says that none is available, so a
`channel.connect()` of discord.py's own VoiceClient waits and times out. A VoiceProtocol that needs no server works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whisperwatch.demo.loopback.accounts import Account
from whisperwatch.demo.loopback.guilds import Channel, Guild

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.core import Core


def update_bot(core: Core, session_id: str, data: dict[str, Any]) -> None:
    """VOICE_STATE_UPDATE from the bot: it joins, moves or leaves."""
    guild = core.world.guilds.get(int(data["guild_id"]))
    if guild is None:
        return
    channel_id = data.get("channel_id")
    channel = guild.channels.get(int(channel_id)) if channel_id else None
    move(core, guild, core.world.bot, channel, session_id)
    if channel is not None:
        server = {"token": session_id, "guild_id": str(guild.id), "endpoint": None}
        core.gateway.dispatch("VOICE_SERVER_UPDATE", server, guild.id)


def move(
    core: Core, guild: Guild, account: Account, channel: Channel | None, session_id: str = "loopback-voice"
) -> None:
    """Puts an account into a voice channel, or takes it out (None), and tells the bot."""
    if channel is None:
        guild.voice.pop(account.id, None)
    else:
        guild.voice[account.id] = channel
    core.gateway.dispatch("VOICE_STATE_UPDATE", guild.voice_state(account.id, session_id), guild.id)
