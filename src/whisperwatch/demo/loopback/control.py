"""A small HTTP API under /_control, so that another process can play the people, switch faults and read the ledger.

Each call takes a JSON object and answers with one; a wrong one is answered with 400 and `{"error": …}`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from whisperwatch.demo.loopback.interactions import Interaction
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.wire import JSON, text_of

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.server import LoopbackDiscord

Action = Callable[["LoopbackDiscord", JSON], Awaitable[JSON]]


def install(app: web.Application, discord: LoopbackDiscord) -> None:
    """Adds the routes."""
    for name, action in _ACTIONS.items():
        app.router.add_post(f"/_control/{name}", _handler(discord, action))
    for name, question in _QUESTIONS.items():
        app.router.add_get(f"/_control/{name}", _handler(discord, question))


def _handler(discord: LoopbackDiscord, action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            body = (
                await request.json()
                if request.method == "POST" and request.can_read_body
                else dict(request.query)
            )
            answer, status = await action(discord, body), 200
        except (LookupError, TypeError, ValueError) as error:
            answer, status = {"error": f"{type(error).__name__}: {error}"}, 400
        except TimeoutError as error:
            answer, status = {"error": str(error)}, 504
        return web.Response(text=text_of(answer), status=status, content_type="application/json")

    return handle


def _place(discord: LoopbackDiscord, body: JSON) -> Any:
    return discord.channel(body.get("channel"), body.get("guild"))


async def _replied(discord: LoopbackDiscord, asked: Any, body: JSON, told: JSON) -> JSON:
    if body.get("wait"):
        reply = await discord.reply_to(asked, float(body["wait"]))
        told["reply"] = reply.payload()
    return told


async def _told(interaction: Interaction, body: JSON) -> JSON:
    if body.get("wait"):
        await interaction.answered(float(body["wait"]))
    return {"interaction": interaction.summary()}


async def _say(discord: LoopbackDiscord, body: JSON) -> JSON:
    """user, text, channel?, guild?, dm?, wait? (seconds for the bot's reply)"""
    user = discord.user(body["user"])
    message = await (
        user.dm(body["text"]) if body.get("dm") else user.say(body["text"], _place(discord, body))
    )
    return await _replied(discord, message, body, {"message": message.payload()})


async def _slash(discord: LoopbackDiscord, body: JSON) -> JSON:
    """user, command, options?, channel?, guild?, wait?"""
    user, options = discord.user(body["user"]), body.get("options") or {}
    interaction = await user.slash(body["command"], _place(discord, body), **options)
    told = await _replied(discord, interaction, body, {})
    return told | {"interaction": interaction.summary()}


async def _click(discord: LoopbackDiscord, body: JSON) -> JSON:
    """user, message (id), button?, wait?"""
    user, message = discord.user(body["user"]), _message(discord, body)
    return await _told(await user.click(message, body.get("button")), body)


async def _choose(discord: LoopbackDiscord, body: JSON) -> JSON:
    """user, message (id), values, select?, wait?"""
    user, message = discord.user(body["user"]), _message(discord, body)
    interaction = await user.choose(message, *body["values"], select=body.get("select"))
    return await _told(interaction, body)


async def _context_menu(discord: LoopbackDiscord, body: JSON) -> JSON:
    """user, command, message (id) or target (a user's name), wait?"""
    target = discord.user(body["target"]) if "target" in body else _message(discord, body)
    return await _told(await discord.user(body["user"]).context_menu(body["command"], target), body)


async def _autocomplete(discord: LoopbackDiscord, body: JSON) -> JSON:
    """user, command, option, typed, options?"""
    user, options = discord.user(body["user"]), body.get("options") or {}
    command, place = body["command"], _place(discord, body)
    return {"choices": await user.autocomplete(command, body["option"], body["typed"], place, **options)}


async def _submit(discord: LoopbackDiscord, body: JSON) -> JSON:
    """user, interaction (the id of the one that was answered with a modal), values, wait?"""
    wanted = int(body["interaction"])
    for opened in discord.ledger.interactions:
        if opened.id == wanted:
            return await _told(await discord.user(body["user"]).submit(opened, body["values"]), body)
    raise LookupError(f"no interaction {wanted}")


async def _react(discord: LoopbackDiscord, body: JSON) -> JSON:
    """user, message (id), emoji"""
    await discord.user(body["user"]).react(_message(discord, body), body["emoji"])
    return {}


async def _fault(discord: LoopbackDiscord, body: JSON) -> JSON:
    """name (see Faults.start) and its arguments, or stop: true for all"""
    if body.get("stop"):
        discord.faults.stop()
        return {}
    arguments = {key: value for key, value in body.items() if key != "name"}
    return {"running": repr(discord.faults.start(body["name"], **arguments))}


async def _gateway(discord: LoopbackDiscord, body: JSON) -> JSON:
    """do: disconnect (code?), cut, reconnect, invalidate (resumable?); shard?"""
    what, shard = body["do"], body.get("shard")
    if what == "disconnect":
        await discord.disconnect(int(body.get("code", 4000)), shard)
    elif what == "cut":
        await discord.cut(shard)
    elif what == "reconnect":
        await discord.reconnect(shard)
    elif what == "invalidate":
        await discord.invalidate(shard, resumable=bool(body.get("resumable")))
    else:
        raise ValueError(f"do: {what!r} is none of disconnect, cut, reconnect, invalidate")
    return {}


async def _wait(discord: LoopbackDiscord, body: JSON) -> JSON:
    """shards?, timeout?: until so many shards are connected"""
    await discord.ready(int(body.get("shards", 1)), float(body.get("timeout", 10)))
    return {}


async def _ledger(discord: LoopbackDiscord, body: JSON) -> JSON:
    """entries? (1 for every kept entry)"""
    return discord.ledger.payload(entries=bool(json.loads(body.get("entries", "0"))))


async def _world(discord: LoopbackDiscord, body: JSON) -> JSON:
    """What there is: guilds with channels, people, the bot, its commands."""
    return {
        "token": discord.token,
        "bot": discord.bot.payload(),
        "guilds": [
            guild.payload() | {"channels": [channel.payload() for channel in guild.channels.values()]}
            for guild in discord.guilds
        ],
        "people": [a.payload() for a in discord.core.world.accounts.values() if not a.bot],
        "commands": [c for home in discord.core.application.commands.values() for c in home.values()],
    }


def _message(discord: LoopbackDiscord, body: JSON) -> Message:
    return discord.core.world.messages[int(body["message"])]


_ACTIONS: dict[str, Action] = {
    "say": _say, "slash": _slash, "click": _click, "choose": _choose, "submit": _submit,
    "context_menu": _context_menu, "autocomplete": _autocomplete, "react": _react,
    "fault": _fault, "gateway": _gateway, "wait": _wait,
}  # fmt: skip
_QUESTIONS: dict[str, Action] = {"ledger": _ledger, "world": _world}
