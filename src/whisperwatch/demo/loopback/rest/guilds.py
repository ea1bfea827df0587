"""Guilds, members and roles."""

from __future__ import annotations

from whisperwatch.demo.loopback.accounts import Member
from whisperwatch.demo.loopback.errors import unknown
from whisperwatch.demo.loopback.rest.calls import Call, Routes

routes = Routes()


@routes("GET", "/guilds/{guild_id}")
async def guild(call: Call) -> object:
    guild = call.guild()
    counts = {
        "approximate_member_count": len(guild.members),
        "approximate_presence_count": len(guild.members),
    }
    return guild.payload() | (counts if call.query.get("with_counts") in ("1", "true") else {})


@routes("GET", "/guilds/{guild_id}/members")
async def members(call: Call) -> object:
    limit, after = int(call.query.get("limit", 1)), int(call.query.get("after", 0))
    found = sorted(
        (m for m in call.guild().members.values() if m.account.id > after), key=lambda m: m.account.id
    )
    return [member.payload() for member in found[:limit]]


@routes("GET", "/guilds/{guild_id}/members/search")
async def search_members(call: Call) -> object:
    wanted, limit = call.query.get("query", "").lower(), int(call.query.get("limit", 1))
    found = [m for m in call.guild().members.values() if m.account.name.lower().startswith(wanted)]
    return [member.payload() for member in found[:limit]]


@routes("GET", "/guilds/{guild_id}/members/{member_id}")
async def member(call: Call) -> object:
    return _member(call).payload()


@routes("PATCH", "/guilds/{guild_id}/members/{member_id}")
async def edit_member(call: Call) -> object:
    guild, member, body = call.guild(), _member(call), await call.body()
    if "nick" in body:
        member.nick = body["nick"]
    if "roles" in body:
        member.roles = [guild.roles[int(each)] for each in body["roles"]]
    _updated(call, member)
    return member.payload()


@routes("PUT", "/guilds/{guild_id}/members/{member_id}/roles/{role_id}")
async def add_role(call: Call) -> object:
    member, role = _member(call), call.guild().roles.get(call.id("role_id"))
    if role is None:
        raise unknown("Role")
    if role not in member.roles:
        member.roles.append(role)
        _updated(call, member)
    return None


@routes("DELETE", "/guilds/{guild_id}/members/{member_id}/roles/{role_id}")
async def remove_role(call: Call) -> object:
    member, role = _member(call), call.guild().roles.get(call.id("role_id"))
    if role in member.roles:
        member.roles.remove(role)
        _updated(call, member)
    return None


@routes("GET", "/guilds/{guild_id}/roles")
async def roles(call: Call) -> object:
    return [role.payload() for role in call.guild().roles.values()]


@routes("POST", "/guilds/{guild_id}/roles")
async def create_role(call: Call) -> object:
    guild, body = call.guild(), await call.body()
    role = call.core.world.add_role(guild, body.get("name") or "new role", int(body.get("permissions") or 0))
    data = {"guild_id": str(guild.id), "role": role.payload()}
    call.core.gateway.dispatch("GUILD_ROLE_CREATE", data, guild.id)
    return role.payload()


def _member(call: Call) -> Member:
    which = call.text("member_id")
    account_id = call.core.world.bot.id if which == "@me" else call.id("member_id")
    member = call.guild().members.get(account_id)
    if member is None:
        raise unknown("Member")
    return member


def _updated(call: Call, member: Member) -> None:
    guild = call.guild()
    data = member.payload() | {"guild_id": str(guild.id)}
    call.core.gateway.dispatch("GUILD_MEMBER_UPDATE", data, guild.id)
