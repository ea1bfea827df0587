"""Application commands: what a bot registers, globally or for a guild."""

from __future__ import annotations

from whisperwatch.demo.loopback.errors import unknown
from whisperwatch.demo.loopback.rest.calls import Call, Created, Routes
from whisperwatch.demo.loopback.wire import JSON

routes = Routes()
HOMES = (
    "/applications/{application_id}/commands",
    "/applications/{application_id}/guilds/{guild_id}/commands",
)


async def listed(call: Call) -> object:
    return list(_home(call).values())


async def overwrite(call: Call) -> object:
    return call.core.application.overwrite(_home_id(call), await call.body())


async def create(call: Call) -> object:
    body = await call.body()
    known = any(command["name"] == body["name"] for command in _home(call).values())
    return Created(call.core.application.register(_home_id(call), body), 200 if known else 201)


async def get(call: Call) -> object:
    return _command(call)


async def edit(call: Call) -> object:
    command = _command(call)
    command.update(await call.body())
    return command


async def delete(call: Call) -> object:
    command = _command(call)
    del _home(call)[int(command["id"])]
    return None


for _base in HOMES:
    routes("GET", _base)(listed)
    routes("PUT", _base)(overwrite)
    routes("POST", _base)(create)
    routes("GET", _base + "/{command_id}")(get)
    routes("PATCH", _base + "/{command_id}")(edit)
    routes("DELETE", _base + "/{command_id}")(delete)


def _home_id(call: Call) -> int | None:
    return call.guild().id if "guild_id" in call.request.match_info else None


def _home(call: Call) -> dict[int, JSON]:
    return call.core.application.commands.setdefault(_home_id(call), {})


def _command(call: Call) -> JSON:
    command = _home(call).get(call.id("command_id"))
    if command is None:
        raise unknown("application command")
    return command
