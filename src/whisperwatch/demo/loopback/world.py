"""The state of the loopback Discord: which guilds, channels, accounts and messages there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from whisperwatch.demo.loopback.accounts import ADMINISTRATOR, EVERYTHING, ORDINARY, Account, Member, Role
from whisperwatch.demo.loopback.guilds import Channel, ChannelType, Guild
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.wire import Snowflakes

FIRST_GUILD = 83160 * 2_000_000
"""The upper part of the first guild's id: divisible by many shard counts, so guild n is on shard n % shards."""


@dataclass(frozen=True)
class GuildPlan:
    """How a guild looks at the start. `owner` is one of the people, made if need be."""

    name: str
    channels: Sequence[str] = ("general", "random")
    voice_channels: Sequence[str] = ("voice",)
    owner: str = "owner"


@dataclass(slots=True, eq=False)
class Webhook:
    """A webhook of a channel."""

    id: int
    token: str
    name: str
    channel: Channel


@dataclass
class World:
    """Everything that exists, by id."""

    bot_name: str
    ids: Snowflakes = field(default_factory=Snowflakes)
    accounts: dict[int, Account] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    webhooks: dict[int, Webhook] = field(default_factory=dict)
    kept_messages: int = 20_000
    """How many messages are kept; older ones are forgotten, so that a demo may run for days."""
    _guild_numbers: Iterator[int] = field(default_factory=count)
    _by_channel: dict[int, dict[int, Message]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bot = self.add_account(self.bot_name, bot=True)

    def add_account(self, name: str, *, bot: bool = False) -> Account:
        account = Account(self.ids.next(), name, bot)
        self.accounts[account.id] = account
        return account

    def account(self, name: str) -> Account | None:
        """The person (not a bot) of this name, if there is one."""
        return next((a for a in self.accounts.values() if a.name == name and not a.bot), None)

    def add_guild(self, plan: GuildPlan) -> Guild:
        """Makes a guild with the roles @everyone, admin and the bot's own; the bot is a member, the owner too."""
        owner = self.account(plan.owner) or self.add_account(plan.owner)
        guild = Guild((FIRST_GUILD + next(self._guild_numbers)) << 22, plan.name, owner)
        guild.roles[guild.id] = Role(guild.id, "@everyone", ORDINARY, 0)
        own = self.add_role(guild, self.bot.name, EVERYTHING & ~ADMINISTRATOR, managed=True)
        self.add_role(guild, "admin", ADMINISTRATOR)
        for name in plan.channels:
            self.add_channel(guild, name)
        for name in plan.voice_channels:
            self.add_channel(guild, name, ChannelType.VOICE)
        guild.members[self.bot.id] = Member(self.bot, [own])
        guild.members[owner.id] = Member(owner)
        self.guilds[guild.id] = guild
        return guild

    def add_role(self, guild: Guild, name: str, permissions: int, *, managed: bool = False) -> Role:
        role = Role(self.ids.next(), name, permissions, len(guild.roles), managed)
        guild.roles[role.id] = role
        return role

    def add_channel(self, guild: Guild, name: str, type: ChannelType = ChannelType.TEXT) -> Channel:
        channel = Channel(self.ids.next(), name, type, guild, position=len(guild.channels))
        guild.channels[channel.id] = self.channels[channel.id] = channel
        return channel

    def direct_channel(self, account: Account) -> Channel:
        """The direct message channel between the bot and an account, made at its first use."""
        for channel in self.channels.values():
            if channel.recipient is account:
                return channel
        channel = Channel(self.ids.next(), account.name, ChannelType.DM, recipient=account)
        self.channels[channel.id] = channel
        return channel

    def history(self, channel: Channel) -> list[Message]:
        """The channel's messages, oldest first, without ephemeral ones."""
        return [message for message in self._by_channel.get(channel.id, {}).values() if not message.ephemeral]

    def since(self, message: Message) -> list[Message]:
        """The messages of a channel after one of them, oldest first, without ephemeral ones."""
        found: list[Message] = []
        for other in reversed(self._by_channel.get(message.channel.id, {}).values()):
            if other.id <= message.id:
                break
            if not other.ephemeral:
                found.append(other)
        return found[::-1]

    def add_message(self, message: Message) -> None:
        """Takes a new message in, and forgets the oldest if there are too many."""
        self.messages[message.id] = message
        self._by_channel.setdefault(message.channel.id, {})[message.id] = message
        message.channel.last_message_id = message.id
        if len(self.messages) > self.kept_messages:
            self.remove_message(next(iter(self.messages.values())))

    def remove_message(self, message: Message) -> None:
        del self.messages[message.id]
        del self._by_channel[message.channel.id][message.id]

    def find_guild(self, which: Guild | int | str | None) -> Guild:
        """A guild by itself, id, number (0 is the first) or name; None is the first. Raises LookupError."""
        if isinstance(which, Guild):
            return which
        guilds = list(self.guilds.values())
        for number, guild in enumerate(guilds):
            if which in (guild.id, number, guild.name) or which is None:
                return guild
        raise LookupError(f"no guild {which!r}; there are {[guild.name for guild in guilds]}")

    def find_channel(
        self, which: Channel | int | str | None, guild: Guild | int | str | None = None
    ) -> Channel:
        """A channel by itself, id, or name in a guild (default: the first); None is its first channel.

        Raises:
            LookupError: no such channel.
        """
        if isinstance(which, Channel):
            return which
        if isinstance(which, int):
            if which in self.channels:
                return self.channels[which]
            raise LookupError(f"no channel with id {which}")
        home = self.find_guild(guild)
        for channel in home.channels.values():
            if which is None or which == channel.name:
                return channel
        raise LookupError(
            f"guild {home.name!r} has no channel {which!r}; it has {[c.name for c in home.channels.values()]}"
        )
