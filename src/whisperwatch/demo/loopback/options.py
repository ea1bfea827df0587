"""What a user gives a command: options of the types that the command was registered with, and who they name."""

from __future__ import annotations

from typing import Any

from whisperwatch.demo.loopback.accounts import Account, Role
from whisperwatch.demo.loopback.guilds import Channel, Guild
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.wire import JSON

SUBCOMMAND, GROUP = 1, 2
_CASTS: dict[int, type] = {3: str, 4: int, 5: bool, 10: float}


class Resolved:
    """The things that an interaction names by id, as Discord sends them along."""

    def __init__(self, guild: Guild | None) -> None:
        self._guild = guild
        self._found: dict[str, dict[str, JSON]] = {}

    def take(self, thing: object) -> str:
        """Notes a thing and returns its id. Raises TypeError."""
        thing = getattr(thing, "account", thing)
        if isinstance(thing, Account):
            self._take_account(thing)
        elif isinstance(thing, Role):
            self._put("roles", thing.id, thing.payload())
        elif isinstance(thing, Channel):
            self._put("channels", thing.id, thing.payload() | {"permissions": "0", "name": thing.name})
        elif isinstance(thing, Message):
            self._put("messages", thing.id, thing.payload())
        else:
            raise TypeError(f"{thing!r} is no person, role, channel or message")
        return str(thing.id)

    def payload(self) -> JSON:
        return dict(self._found)

    def _take_account(self, account: Account) -> None:
        self._put("users", account.id, account.payload())
        if self._guild is not None and account.id in self._guild.members:
            permissions = str(self._guild.permissions_of(account))
            member = self._guild.members[account.id].payload(with_user=False)
            self._put("members", account.id, member | {"permissions": permissions})

    def _put(self, kind: str, number: int, payload: JSON) -> None:
        self._found.setdefault(kind, {})[str(number)] = payload


def identity(registered: JSON) -> JSON:
    """How an interaction names the command."""
    data = {"id": registered["id"], "name": registered["name"], "type": registered["type"]}
    return data | ({"guild_id": registered["guild_id"]} if "guild_id" in registered else {})


def command_data(
    registered: JSON, command: str, values: dict[str, Any], guild: Guild | None, focused: str | None = None
) -> JSON:
    """The `data` of a slash command's interaction, or of the autocomplete of its option `focused`.

    Raises:
        LookupError: no such subcommand or option.
    """
    resolved = Resolved(guild)
    path, level = [], registered
    for name in command.split()[1:]:
        level = _named(level, name, command)
        path.append(level)
    given = []
    for name, value in values.items():
        option = _named(level, name, command)
        entry = {
            "name": name,
            "type": option["type"],
            "value": _value(option["type"], value, resolved, name == focused),
        }
        given.append(entry | ({"focused": True} if name == focused else {}))
    for step in reversed(path):
        given = [{"name": step["name"], "type": step["type"], "options": given}]
    data = identity(registered) | {"options": given}
    return data | ({"resolved": resolved.payload()} if resolved.payload() else {})


def _value(type: int, value: Any, resolved: Resolved, focused: bool) -> Any:
    if type not in _CASTS:
        return resolved.take(value)
    return str(value) if focused else _CASTS[type](value)


def _named(level: JSON, name: str, command: str) -> JSON:
    options: list[JSON] = level.get("options") or []
    for option in options:
        if option["name"] == name:
            return option
    raise LookupError(f"/{command} has no {name!r}; it has {[option['name'] for option in options]}")
