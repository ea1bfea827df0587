"""IDENTIFY and RESUME: how a connection gets a session, and what a session hears first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whisperwatch.demo.loopback import intents
from whisperwatch.demo.loopback.accounts import Member
from whisperwatch.demo.loopback.guilds import Guild
from whisperwatch.demo.loopback.opcodes import Closed, Op
from whisperwatch.demo.loopback.sessions import Session
from whisperwatch.demo.loopback.wire import JSON, shard_of, text_of

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.connection import Connection
    from whisperwatch.demo.loopback.core import Core


def identify(connection: Connection, data: dict[str, Any]) -> None:
    """Starts a session: READY, then a GUILD_CREATE for each guild of the shard. Raises Closed."""
    core = connection.core
    shard, count, wanted = _checked(connection, data)
    if not core.gateway.may_identify(shard):
        refuse(connection, resumable=False)
        return
    session = core.gateway.open(shard, count, wanted, int(data.get("large_threshold", 50)))
    session.connection = connection
    connection.session = session
    connection.presence = data.get("presence")
    core.ledger.connection(shard, session.id, "identify")
    greet(core, session)


def greet(core: Core, session: Session) -> None:
    """Sends what a new session hears first."""
    guilds = core.gateway.guilds_of(session)
    core.gateway.send(session, "READY", text_of(_ready(core, session, guilds)))
    if session.intents & intents.GUILDS:
        for guild in guilds:
            members = _visible_members(core, session, guild)
            data = guild.create_payload(members, bool(session.intents & intents.PRESENCES))
            core.gateway.send(session, "GUILD_CREATE", text_of(data))
    session.greeting = session.sequence


def resume(connection: Connection, data: dict[str, Any]) -> None:
    """Takes a session up again: what it missed, then RESUMED; INVALID_SESSION if it can't be. Raises Closed."""
    core, after = connection.core, int(data["seq"] or 0)
    _check_token(connection, data["token"])
    session = core.gateway.sessions.get(data["session_id"])
    if session is None or not session.can_replay(after):
        if session is not None and after > session.sequence:
            core.gateway.forget(session)
            raise Closed(4007, "Invalid seq.")
        refuse(connection, resumable=False)
        return
    if session.connection is not None:
        session.connection.cut()
    session.connection = connection
    connection.session = session
    core.ledger.connection(session.shard, session.id, "resume")
    for dispatch in session.after(after):
        if dispatch.written:
            core.ledger.lost(session.shard, dispatch.type)
        connection.send_event(dispatch, replayed=True)
    core.gateway.send(session, "RESUMED", text_of({"_trace": ["loopback"]}))


def refuse(connection: Connection, *, resumable: bool) -> None:
    """INVALID_SESSION: the client may resume, or must identify anew."""
    core, session = connection.core, connection.session
    core.ledger.connection(connection.shard, connection.session_id, "invalid_session")
    if session is not None and not resumable:
        core.gateway.forget(session)
    connection.send(Op.INVALID_SESSION, resumable)


def _checked(connection: Connection, data: dict[str, Any]) -> tuple[int, int, int]:
    settings, world = connection.core.gateway.settings, connection.core.world
    _check_token(connection, data["token"])
    if connection.version != "10":
        raise Closed(4012, "Invalid API version.")
    shard, count = data.get("shard") or (0, 1)
    if not 0 <= shard < count:
        raise Closed(4010, "Invalid shard.")
    if sum(shard_of(guild_id, count) == shard for guild_id in world.guilds) > settings.largest_shard:
        raise Closed(4011, "Sharding required.")
    wanted = data.get("intents")
    if not isinstance(wanted, int) or wanted & ~intents.KNOWN:
        raise Closed(4013, "Invalid intent(s).")
    if wanted & intents.PRIVILEGED & ~settings.allowed_intents:
        raise Closed(4014, "Disallowed intent(s).")
    return shard, count, wanted


def _check_token(connection: Connection, token: str) -> None:
    if not connection.core.accepts(token):
        raise Closed(4004, "Authentication failed.")


def _ready(core: Core, session: Session, guilds: list[Guild]) -> JSON:
    return {
        "v": 10,
        "user": core.world.bot.payload() | {"verified": True, "email": None, "mfa_enabled": False},
        "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
        "session_id": session.id,
        "resume_gateway_url": core.gateway_url,
        "session_type": "normal",
        "shard": [session.shard, session.shard_count],
        "application": {"id": str(core.application.id), "flags": core.application.flags},
        "private_channels": [],
        "user_settings": {},
        "relationships": [],
        "_trace": ["loopback"],
    }


def _visible_members(core: Core, session: Session, guild: Guild) -> list[Member]:
    """Without GUILD_PRESENCES, or in a large guild, only the bot and those in voice."""
    if session.intents & intents.PRESENCES and len(guild.members) <= session.large_threshold:
        return list(guild.members.values())
    ids = {core.world.bot.id, *guild.voice}
    return [member for account_id, member in guild.members.items() if account_id in ids]
