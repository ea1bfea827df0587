"""Synthetic people: what a user does in Discord, from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whisperwatch.demo.loopback import options, parts, voice
from whisperwatch.demo.loopback.accounts import Account, Member
from whisperwatch.demo.loopback.application import MESSAGE_MENU, SLASH, USER_MENU
from whisperwatch.demo.loopback.guilds import Channel, Guild
from whisperwatch.demo.loopback.interactions import Interaction
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.wire import JSON

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.core import Core

Where = Channel | int | str | None
"""A channel: itself, its id, its name in the first guild, or None for the first channel of the first guild."""


class Person:
    """A user. Everything that it does reaches the bot as Discord would tell it."""

    def __init__(self, core: Core, account: Account) -> None:
        self._core = core
        self.account = account

    def __repr__(self) -> str:
        return f"<Person {self.name}>"

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def id(self) -> int:
        return self.account.id

    @property
    def mention(self) -> str:
        return self.account.mention

    @property
    def direct_channel(self) -> Channel:
        """Where this person and the bot talk directly."""
        return self._core.world.direct_channel(self.account)

    # --- messages ---

    async def say(self, text: str, channel: Where = None, *, reply_to: Message | None = None) -> Message:
        """Writes a message, where `reply_to` is if nothing else is said."""
        target = reply_to.channel if channel is None and reply_to is not None else self._channel(channel)
        return self._core.post(target, self.account, {"content": text}, reference=reply_to)

    async def dm(self, text: str) -> Message:
        """Writes to the bot directly."""
        return self._core.post(self.direct_channel, self.account, {"content": text})

    async def edit(self, message: Message, text: str) -> Message:
        """Changes an own message."""
        self._core.edit(message, {"content": text})
        return message

    async def delete(self, message: Message) -> None:
        """Deletes a message."""
        self._core.delete(message)

    async def react(self, message: Message, emoji: str) -> None:
        """Reacts to a message with a unicode emoji, or a custom one as `name:id`."""
        self._core.react(message, self.account, emoji)

    async def unreact(self, message: Message, emoji: str) -> None:
        """Takes a reaction back."""
        self._core.unreact(message, self.account, emoji)

    async def type(self, channel: Where = None) -> None:
        """Starts typing."""
        self._core.type_in(self._channel(channel), self.account)

    # --- commands ---

    async def slash(self, command: str, where: Where = None, /, **values: object) -> Interaction:
        """Uses a slash command: `slash("config set", None, key="x")`, subcommands with spaces.

        Values may be people, channels and roles where the command takes such.

        Raises:
            LookupError: the bot has not registered such a command, or the command has no such option.
        """
        return self._use("slash", command, where, values)

    async def autocomplete(
        self,
        command: str,
        focused: str,
        typed: object,
        where: Where = None,
        /,
        *,
        timeout: float = 5.0,
        **values: object,
    ) -> list[JSON]:
        """Types into an option of a slash command, and returns the choices that the bot offers. Raises TimeoutError."""
        interaction = self._use("autocomplete", command, where, values | {focused: typed}, focused)
        return (await interaction.answered(timeout)).choices or []

    async def context_menu(
        self, command: str, target: Message | Person | Account, where: Where = None, /
    ) -> Interaction:
        """Uses a command of a message's or a user's context menu. Raises LookupError."""
        on_message = isinstance(target, Message)
        channel = target.channel if isinstance(target, Message) and where is None else self._channel(where)
        kind = MESSAGE_MENU if on_message else USER_MENU
        registered = self._core.application.find(command, channel.guild_id, (kind,))
        resolved = options.Resolved(channel.guild)
        target_id = resolved.take(target)
        data = options.identity(registered) | {"target_id": target_id, "resolved": resolved.payload()}
        return self._core.interact("context_menu", command, self.account, channel, data)

    def _use(
        self,
        kind: parts.CommandKind,
        command: str,
        where: Where,
        values: dict[str, object],
        focused: str | None = None,
    ) -> Interaction:
        channel = self._channel(where)
        registered = self._core.application.find(command.split()[0], channel.guild_id, (SLASH,))
        data = options.command_data(registered, command, values, channel.guild, focused)
        return self._core.interact(kind, command, self.account, channel, data)

    # --- components and modals ---

    async def click(self, message: Message, button: str | None = None) -> Interaction:
        """Presses a button of a message, by label or custom id (None: the only one). Raises LookupError."""
        found = parts.button(message, button)
        data = {"component_type": found["type"], "custom_id": found["custom_id"], "id": found["id"]}
        return self._component(message, found, data)

    async def choose(self, message: Message, *values: object, select: str | None = None) -> Interaction:
        """Chooses from a select of a message: labels or values, people, roles, channels. Raises LookupError."""
        found = parts.select(message, select)
        resolved = options.Resolved(message.channel.guild)
        chosen = parts.chosen(found, values, resolved)
        data = {
            "component_type": found["type"],
            "custom_id": found["custom_id"],
            "id": found["id"],
            "values": chosen,
        }
        if resolved.payload():
            data["resolved"] = resolved.payload()
        return self._component(message, found, data)

    def _component(self, message: Message, component: JSON, data: JSON) -> Interaction:
        return self._core.interact(
            "component", component["custom_id"], self.account, message.channel, data, message=message
        )

    async def submit(
        self, opened: Interaction, values: dict[str, object], *, timeout: float = 5.0
    ) -> Interaction:
        """Fills in the modal that an interaction was answered with, by label or custom id, and submits it.

        Raises:
            LookupError: no modal was opened, or it has no such field.
            TimeoutError: the interaction was not answered.
        """
        modal = (await opened.answered(timeout)).modal
        if modal is None:
            raise LookupError(
                f"{opened.kind} {opened.name!r} was answered with type {opened.answer_type}, not a modal"
            )
        data = parts.filled(modal, values)
        return self._core.interact(
            "modal",
            modal["custom_id"],
            self.account,
            opened.channel,
            data,
            message=opened.message,
            parent=opened,
        )

    # --- guilds ---

    async def join(self, guild: Guild | int | str | None = None) -> None:
        """Joins a guild."""
        home = self._core.world.find_guild(guild)
        member = home.members[self.id] = Member(self.account)
        self._core.gateway.dispatch(
            "GUILD_MEMBER_ADD", member.payload() | {"guild_id": str(home.id)}, home.id
        )

    async def leave(self, guild: Guild | int | str | None = None) -> None:
        """Leaves a guild."""
        home = self._core.world.find_guild(guild)
        home.members.pop(self.id, None)
        data = {"guild_id": str(home.id), "user": self.account.payload()}
        self._core.gateway.dispatch("GUILD_MEMBER_REMOVE", data, home.id)

    async def get_role(self, role: str, guild: Guild | int | str | None = None) -> None:
        """Is given a role (`admin` is always there). Raises LookupError."""
        home = self._core.world.find_guild(guild)
        member = home.members[self.id]
        member.roles.append(home.role(role))
        self._core.gateway.dispatch(
            "GUILD_MEMBER_UPDATE", member.payload() | {"guild_id": str(home.id)}, home.id
        )

    async def join_voice(self, channel: Where = "voice") -> None:
        """Enters a voice channel."""
        found = self._channel(channel)
        assert found.guild is not None
        voice.move(self._core, found.guild, self.account, found)

    async def leave_voice(self, guild: Guild | int | str | None = None) -> None:
        """Leaves voice."""
        voice.move(self._core, self._core.world.find_guild(guild), self.account, None)

    def _channel(self, which: Where) -> Channel:
        return self._core.world.find_channel(which)
