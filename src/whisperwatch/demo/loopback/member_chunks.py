"""REQUEST_GUILD_MEMBERS: a client asks for a guild's members over the gateway, and gets them in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whisperwatch.demo.loopback.accounts import Member
from whisperwatch.demo.loopback.sessions import Session
from whisperwatch.demo.loopback.wire import JSON, text_of

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.core import Core

CHUNK = 1000


def answer(core: Core, session: Session, data: dict[str, Any]) -> None:
    """Sends GUILD_MEMBERS_CHUNKs, to this session only. An unknown guild gets nothing, as with Discord."""
    guild = core.world.guilds.get(int(data["guild_id"]))
    if guild is None:
        return
    asked = data.get("user_ids")
    ids = [int(each) for each in (asked if isinstance(asked, list) else [asked] if asked else [])]
    members = _matching(list(guild.members.values()), ids, data.get("query"), int(data.get("limit") or 0))
    chunks = [members[start : start + CHUNK] for start in range(0, len(members), CHUNK)] or [[]]
    for index, chunk in enumerate(chunks):
        body: JSON = {
            "guild_id": str(guild.id),
            "members": [member.payload() for member in chunk],
            "chunk_index": index,
            "chunk_count": len(chunks),
            "not_found": [str(each) for each in ids if each not in guild.members],
        }
        if data.get("presences"):
            body["presences"] = []
        if data.get("nonce"):
            body["nonce"] = data["nonce"]
        core.gateway.send(session, "GUILD_MEMBERS_CHUNK", text_of(body))


def _matching(members: list[Member], ids: list[int], query: str | None, limit: int) -> list[Member]:
    if ids:
        return [member for member in members if member.account.id in ids]
    found = [member for member in members if member.account.name.lower().startswith((query or "").lower())]
    return found[:limit] if limit else found
