"""Gateway frames as text, without a socket: what a benchmark feeds to `DiscordWebSocket.received_message`."""

from __future__ import annotations

from collections.abc import Sequence

from whisperwatch.demo.loopback import intents, options, welcome
from whisperwatch.demo.loopback.accounts import Member
from whisperwatch.demo.loopback.core import Core
from whisperwatch.demo.loopback.gateway import GatewaySettings
from whisperwatch.demo.loopback.ratelimits import Limits
from whisperwatch.demo.loopback.wire import JSON
from whisperwatch.demo.loopback.world import GuildPlan

_OPTION_TYPES: dict[type, int] = {str: 3, int: 4, bool: 5, float: 10}


class Frames:
    """The frames that one shard would get, byte for byte as the server sends them (uncompressed).

    Args:
        guilds: how many guilds the shard has.
        people: who is in them; the first one acts.
        wanted: the session's intents; all by default.
    """

    def __init__(
        self, guilds: int = 1, people: Sequence[str] = ("ada",), wanted: int = intents.KNOWN
    ) -> None:
        self.core = Core(limits=Limits.none(), gateway=GatewaySettings(), kept=1_000)
        world = self.core.world
        for number in range(guilds):
            guild = world.add_guild(GuildPlan(f"guild-{number}"))
            for name in people:
                account = world.account(name) or world.add_account(name)
                guild.members[account.id] = Member(account)
        actor = world.account(people[0])
        assert actor is not None
        self._actor = actor
        self._session = self.core.gateway.open(0, 1, wanted, large_threshold=250)

    def welcome(self) -> list[str]:
        """READY and the GUILD_CREATEs, which a client wants first."""
        before = self._session.sequence
        welcome.greet(self.core, self._session)
        return [dispatch.text for dispatch in self._session.after(before)]

    def message_create(self, content: str, channel: str | int | None = None) -> str:
        """MESSAGE_CREATE of a new message."""
        self.core.post(self.core.world.find_channel(channel), self._actor, {"content": content})
        return self._session.sent[-1].text

    def interaction_create(self, command: str, channel: str | int | None = None, /, **values: object) -> str:
        """INTERACTION_CREATE of a slash command (no subcommands), its option types by those of the values."""
        described: list[JSON] = [
            {"name": name, "type": _OPTION_TYPES[type(value)]} for name, value in values.items()
        ]
        registered = self.core.application.register(None, {"name": command, "type": 1, "options": described})
        place = self.core.world.find_channel(channel)
        data = options.command_data(registered, command, values, place.guild)
        self.core.interact("slash", command, self._actor, place, data)
        return self._session.sent[-1].text

    def typing_start(self, channel: str | int | None = None) -> str:
        """TYPING_START: an event that hardly any bot listens to."""
        self.core.type_in(self.core.world.find_channel(channel), self._actor)
        return self._session.sent[-1].text
