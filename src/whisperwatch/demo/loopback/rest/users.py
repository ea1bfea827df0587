"""Users, the application, and where the gateway is."""

from __future__ import annotations

from whisperwatch.demo.loopback.errors import unknown
from whisperwatch.demo.loopback.rest.calls import Call, Routes
from whisperwatch.demo.loopback.wire import JSON

routes = Routes()


@routes("GET", "/gateway", open=True)
async def gateway(call: Call) -> object:
    return {"url": call.core.gateway_url}


@routes("GET", "/gateway/bot")
async def gateway_bot(call: Call) -> object:
    core = call.core
    return {"url": core.gateway_url, "shards": core.shards, "session_start_limit": core.gateway.start_limit()}


@routes("GET", "/users/@me")
async def me(call: Call) -> object:
    return _own(call)


@routes("PATCH", "/users/@me")
async def edit_me(call: Call) -> object:
    body = await call.body()
    bot = call.core.world.bot
    bot.name = body.get("username") or bot.name
    call.core.gateway.dispatch("USER_UPDATE", _own(call), None)
    return _own(call)


@routes("GET", "/users/@me/guilds")
async def my_guilds(call: Call) -> object:
    bot, guilds = call.core.world.bot, call.core.world.guilds.values()
    return [
        {
            "id": str(guild.id), "name": guild.name, "icon": None, "owner": guild.owner is bot,
            "permissions": str(guild.permissions_of(bot)), "features": [],
        }
        for guild in guilds
        if bot.id in guild.members
    ]  # fmt: skip


@routes("DELETE", "/users/@me/guilds/{guild_id}")
async def leave_guild(call: Call) -> object:
    call.core.leave(call.guild())
    return None


@routes("POST", "/users/@me/channels")
async def open_direct_channel(call: Call) -> object:
    recipient = call.core.world.accounts.get(int((await call.body())["recipient_id"]))
    if recipient is None:
        raise unknown("User")
    return call.core.world.direct_channel(recipient).payload()


@routes("GET", "/users/{user_id}")
async def user(call: Call) -> object:
    account = call.core.world.accounts.get(call.id("user_id"))
    if account is None:
        raise unknown("User")
    return account.payload()


@routes("GET", "/oauth2/applications/@me")
async def oauth2_application(call: Call) -> object:
    return _application(call)


@routes("GET", "/applications/@me")
async def application(call: Call) -> object:
    return _application(call)


def _own(call: Call) -> JSON:
    return call.core.world.bot.payload() | {"verified": True, "mfa_enabled": False, "locale": "en-US"}


def _application(call: Call) -> JSON:
    core = call.core
    owner = next(iter(core.world.guilds.values())).owner if core.world.guilds else core.world.bot
    return {
        "id": str(core.application.id),
        "name": core.application.name,
        "description": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": core.application.flags,
        "owner": owner.payload(),
        "team": core.application.team_payload(),
        "bot": core.world.bot.payload(),
        "summary": "",
        "approximate_guild_count": len(core.world.guilds),
        "redirect_uris": [],
        "tags": [],
    }
