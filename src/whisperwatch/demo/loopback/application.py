"""The bot's application and the commands that it has registered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from whisperwatch.demo.loopback.accounts import Account
from whisperwatch.demo.loopback.wire import JSON, Snowflakes

SLASH, USER_MENU, MESSAGE_MENU = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Teammate:
    """A member of the team that owns an application. `role`: admin, developer or read_only; of the owner admin."""

    account: Account
    role: str = "admin"
    accepted: bool = True

    def payload(self, team_id: int) -> JSON:
        return {
            "membership_state": 2 if self.accepted else 1,
            "permissions": ["*"],
            "role": self.role,
            "team_id": str(team_id),
            "user": self.account.payload(),
        }


@dataclass
class Application:
    """The application: its commands by guild id, None for the global ones; and the team that owns it, owner first."""

    id: int
    name: str
    ids: Snowflakes
    flags: int = 1 << 13 | 1 << 15 | 1 << 19
    """Gateway presence, members and message content (limited), as for a small bot."""
    commands: dict[int | None, dict[int, JSON]] = field(default_factory=dict)
    team: list[Teammate] = field(default_factory=list)

    def team_payload(self) -> JSON | None:
        """The team; None where a user owns the application."""
        if not self.team:
            return None
        return {
            "id": str(self.id),
            "name": f"the team of {self.name}",
            "icon": None,
            "owner_user_id": str(self.team[0].account.id),
            "members": [mate.payload(self.id) for mate in self.team],
        }

    def register(self, guild_id: int | None, command: JSON) -> JSON:
        """Creates a command, or replaces that of the same name and type."""
        home = self.commands.setdefault(guild_id, {})
        kind = command.get("type", SLASH)
        same = (c for c in home.values() if c["name"] == command["name"] and c["type"] == kind)
        known = next(same, None)
        command_id = self.ids.next() if known is None else int(known["id"])
        registered = {
            "id": str(command_id), "application_id": str(self.id), "version": str(self.ids.next()),
            "description": "", "options": [], "default_member_permissions": None, "dm_permission": True,
            "nsfw": False, "contexts": None, "integration_types": [0],
        } | command | {"type": kind}  # fmt: skip
        if guild_id is not None:
            registered["guild_id"] = str(guild_id)
        home[command_id] = registered
        return registered

    def overwrite(self, guild_id: int | None, commands: Iterable[JSON]) -> list[JSON]:
        """Replaces all commands of a guild, or all global ones; ids of those that stay are kept."""
        registered = [self.register(guild_id, command) for command in commands]
        self.commands[guild_id] = {int(command["id"]): command for command in registered}
        return registered

    def find(self, name: str, guild_id: int | None, types: tuple[int, ...]) -> JSON:
        """The command that a user of the guild sees under this name. Raises LookupError."""
        homes = (self.commands.get(guild_id, {}), self.commands.get(None, {}))
        visible = [command for home in homes for command in home.values()]
        for command in visible:
            if command["name"] == name and command["type"] in types:
                return command
        names = sorted({command["name"] for command in visible})
        raise LookupError(
            f"no command {name!r} is registered (there are {names}): has the bot called tree.sync()?"
        )
