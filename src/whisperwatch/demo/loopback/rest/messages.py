"""Messages of channels, and reactions."""

from __future__ import annotations

from whisperwatch.demo.loopback.errors import ApiError, missing_permissions, unknown
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.rest.calls import Call, Routes

routes = Routes()
MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = MESSAGES + "/{message_id}"
MANAGE_MESSAGES = 1 << 13


@routes("GET", MESSAGES)
async def history(call: Call) -> object:
    query = call.query
    found = call.core.world.history(call.channel())
    limit = int(query.get("limit", 50))
    if "after" in query:
        newer = [message for message in found if message.id > int(query["after"])][:limit]
        return [message.payload() for message in reversed(newer)]
    if "around" in query:
        older = sum(message.id < int(query["around"]) for message in found)
        found = found[max(0, older - limit // 2) : older + limit - limit // 2]
    if "before" in query:
        found = [message for message in found if message.id < int(query["before"])]
    return [message.payload() for message in reversed(found[-limit:])]


@routes("POST", MESSAGES)
async def create(call: Call) -> object:
    channel, body = call.channel(), await call.body()
    return call.core.post(channel, call.core.world.bot, body, reference=_reference(call, body)).payload()


@routes("POST", MESSAGES + "/bulk-delete")
async def delete_many(call: Call) -> object:
    core, channel = call.core, call.channel()
    ids = [int(each) for each in (await call.body())["messages"]]
    for each in ids:
        message = core.world.messages.get(each)
        if message is not None:
            message.deleted = True
            core.world.remove_message(message)
    data = {"ids": [str(each) for each in ids], "channel_id": str(channel.id)}
    if channel.guild_id is not None:
        data["guild_id"] = str(channel.guild_id)
    core.gateway.dispatch("MESSAGE_DELETE_BULK", data, channel.guild_id)
    return None


async def pinned(call: Call) -> object:
    found = [message for message in call.core.world.history(call.channel()) if message.pinned]
    if "messages" in call.request.match_info.route.resource.canonical:  # type: ignore[union-attr]
        items = [
            {"pinned_at": message.timestamp, "message": message.payload()} for message in reversed(found)
        ]
        return {"items": items, "has_more": False}
    return [message.payload() for message in reversed(found)]


async def pin(call: Call) -> object:
    _pin(call, True)
    return None


async def unpin(call: Call) -> object:
    _pin(call, False)
    return None


def _pin(call: Call, pinned: bool) -> None:
    message = call.message()
    message.pinned = pinned
    guild_id = message.channel.guild_id
    data = {
        "channel_id": str(message.channel.id),
        "last_pin_timestamp": message.timestamp if pinned else None,
    }
    if guild_id is not None:
        data["guild_id"] = str(guild_id)
    call.core.gateway.dispatch("CHANNEL_PINS_UPDATE", data, guild_id)
    call.core.gateway.dispatch_message("MESSAGE_UPDATE", message)


for _pins in ("/channels/{channel_id}/pins", MESSAGES + "/pins"):  # before discord.py 2.6, and since
    routes("GET", _pins)(pinned)
    routes("PUT", _pins + "/{message_id}")(pin)
    routes("DELETE", _pins + "/{message_id}")(unpin)


@routes("GET", MESSAGE)
async def get(call: Call) -> object:
    return call.message().payload()


@routes("PATCH", MESSAGE)
async def edit(call: Call) -> object:
    message = call.message()
    if message.author is not call.core.world.bot:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    call.core.edit(message, await call.body())
    return message.payload()


@routes("DELETE", MESSAGE)
async def delete(call: Call) -> object:
    message, bot = call.message(), call.core.world.bot
    guild = message.channel.guild
    if message.author is not bot and (guild is None or not guild.permissions_of(bot) & MANAGE_MESSAGES):
        raise missing_permissions()
    call.core.delete(message)
    return None


@routes("PUT", MESSAGE + "/reactions/{emoji}/@me")
async def react(call: Call) -> object:
    call.core.react(call.message(), call.core.world.bot, call.text("emoji"))
    return None


@routes("DELETE", MESSAGE + "/reactions/{emoji}/@me")
async def unreact(call: Call) -> object:
    call.core.unreact(call.message(), call.core.world.bot, call.text("emoji"))
    return None


@routes("DELETE", MESSAGE + "/reactions/{emoji}/{member_id}")
async def unreact_other(call: Call) -> object:
    account = call.core.world.accounts.get(call.id("member_id"))
    if account is None:
        raise unknown("User")
    call.core.unreact(call.message(), account, call.text("emoji"))
    return None


@routes("GET", MESSAGE + "/reactions/{emoji}")
async def reacted(call: Call) -> object:
    return [account.payload() for account in call.message().reactions.get(call.text("emoji"), [])]


def _reference(call: Call, body: dict[str, object]) -> Message | None:
    wanted = body.get("message_reference")
    if not isinstance(wanted, dict):
        return None
    target = call.core.world.messages.get(int(wanted["message_id"]))
    if target is None and wanted.get("fail_if_not_exists", True):
        raise ApiError(
            400, 50035, "Invalid Form Body",
            {"message_reference": {"_errors": [{"code": "REPLIES_UNKNOWN_MESSAGE", "message": "Unknown message"}]}},
        )  # fmt: skip
    return target
