"""Webhooks: those of channels, and an interaction's own (`/webhooks/{application}/{token}`): followups, @original."""

from __future__ import annotations

import secrets

from whisperwatch.demo.loopback.accounts import Account
from whisperwatch.demo.loopback.errors import ApiError, unknown
from whisperwatch.demo.loopback.guilds import Channel
from whisperwatch.demo.loopback.interactions import Interaction
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.rest.calls import Call, Routes
from whisperwatch.demo.loopback.wire import JSON
from whisperwatch.demo.loopback.world import Webhook

routes = Routes()
HOOK = "/webhooks/{webhook_id}/{webhook_token}"


@routes("GET", "/channels/{channel_id}/webhooks")
async def listed(call: Call) -> object:
    channel = call.channel()
    return [_payload(hook) for hook in call.core.world.webhooks.values() if hook.channel is channel]


@routes("POST", "/channels/{channel_id}/webhooks")
async def create_webhook(call: Call) -> object:
    world, body = call.core.world, await call.body()
    hook = Webhook(world.ids.next(), secrets.token_urlsafe(48), body["name"], call.channel())
    world.webhooks[hook.id] = hook
    return _payload(hook)


@routes("GET", "/webhooks/{webhook_id}")
async def webhook(call: Call) -> object:
    return _payload(_webhook(call))


@routes("GET", HOOK, open=True)
async def webhook_with_token(call: Call) -> object:
    return _payload(_webhook(call, with_token=True))


@routes("DELETE", "/webhooks/{webhook_id}")
async def delete_webhook(call: Call) -> object:
    del call.core.world.webhooks[_webhook(call).id]
    return None


@routes("DELETE", HOOK, open=True)
async def delete_webhook_with_token(call: Call) -> object:
    del call.core.world.webhooks[_webhook(call, with_token=True).id]
    return None


@routes("POST", HOOK, open=True)
async def execute(call: Call) -> object:
    interaction = _interaction(call)
    if interaction is not None:
        return _follow_up(call, interaction, await call.body()).payload()
    hook, body = _webhook(call, with_token=True), await call.body()
    author = Account(hook.id, body.get("username") or hook.name, bot=True)
    message = call.core.post(hook.channel, author, body, webhook_id=hook.id)
    return message.payload() if call.query.get("wait") in ("1", "true") else None


async def get(call: Call) -> object:
    return _message(call).payload()


async def edit(call: Call) -> object:
    message, interaction = _message(call), _interaction(call)
    if interaction is not None and message is interaction.message:
        interaction.updated = True
        interaction.replied()
    call.core.edit(message, await call.body())
    return message.payload()


async def delete(call: Call) -> object:
    call.core.delete(_message(call))
    return None


for _template in (HOOK + "/messages/@original", HOOK + "/messages/{message_id}"):
    routes("GET", _template, open=True)(get)
    routes("PATCH", _template, open=True)(edit)
    routes("DELETE", _template, open=True)(delete)


def _interaction(call: Call) -> Interaction | None:
    interaction = call.core.interactions.get(call.text("webhook_token"))
    if interaction is None or call.id("webhook_id") != interaction.application_id:
        return None
    if interaction.answered_at is None:
        raise unknown("Webhook")
    return interaction


def _follow_up(call: Call, interaction: Interaction, body: JSON) -> Message:
    """A further message; the first one after a deferral fills the message that was loading."""
    core, response = call.core, interaction.response
    if response is not None and response.loading:
        core.edit(response, {name: value for name, value in body.items() if name != "flags"})
        return response
    facts = {"interaction": interaction, "webhook_id": interaction.application_id, "reference": response}
    message = core.post(interaction.channel, core.world.bot, body, **facts)
    interaction.followups.append(message)
    return message


def _message(call: Call) -> Message:
    interaction = _interaction(call)
    if interaction is not None and "message_id" not in call.request.match_info:
        message = interaction.response
    else:
        message = call.core.world.messages.get(call.id("message_id"))
    owner = interaction.application_id if interaction else _webhook(call, with_token=True).id
    if message is None or message.deleted or (message.webhook_id or message.author.id) != owner:
        raise unknown("Message")
    return message


def _webhook(call: Call, *, with_token: bool = False) -> Webhook:
    hook = call.core.world.webhooks.get(call.id("webhook_id"))
    if hook is None:
        raise unknown("Webhook")
    if with_token and hook.token != call.text("webhook_token"):
        raise ApiError(401, 50027, "Invalid Webhook Token")
    return hook


def _payload(hook: Webhook) -> JSON:
    channel: Channel = hook.channel
    return {
        "id": str(hook.id),
        "type": 1,
        "name": hook.name,
        "avatar": None,
        "token": hook.token,
        "channel_id": str(channel.id),
        "guild_id": None if channel.guild_id is None else str(channel.guild_id),
        "application_id": None,
    }
