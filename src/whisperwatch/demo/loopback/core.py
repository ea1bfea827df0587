"""The parts of the loopback Discord put together, and what can be done in it, by people and by the bot alike."""

from __future__ import annotations

import secrets
import time
from typing import Any

from whisperwatch.demo.loopback import bodies
from whisperwatch.demo.loopback.accounts import Account
from whisperwatch.demo.loopback.application import Application
from whisperwatch.demo.loopback.faults import Faults
from whisperwatch.demo.loopback.gateway import Gateway, GatewaySettings
from whisperwatch.demo.loopback.guilds import Channel, Guild
from whisperwatch.demo.loopback.interactions import Interaction, Kind
from whisperwatch.demo.loopback.ledger import Ledger
from whisperwatch.demo.loopback.messages import EVERYONE, LOADING, Message, emoji_payload, mentioned_ids
from whisperwatch.demo.loopback.ratelimits import Limits, RateLimits
from whisperwatch.demo.loopback.wire import JSON, timestamp
from whisperwatch.demo.loopback.world import World

_MOST_FILES = 64


class Core:
    """One Discord. `host` is its address (`127.0.0.1:port`) once it listens.

    Attributes:
        answer_deadline: seconds that a bot has for its initial response to an interaction.
        shards: how many shards GET /gateway/bot recommends.
    """

    answer_deadline = 3.0

    def __init__(
        self,
        *,
        token: str = "",
        shards: int = 1,
        bot_name: str = "loopback-bot",
        limits: Limits,
        gateway: GatewaySettings,
        seed: int = 0,
        kept: int,
    ) -> None:
        self.token = token
        self.shards = shards
        self.host = ""
        self.world = World(bot_name, kept_messages=kept)
        self.ledger = Ledger(kept)
        self.faults = Faults(seed)
        self.ratelimits = RateLimits(limits)
        self.gateway = Gateway(self, gateway)
        self.application = Application(self.world.bot.id, self.world.bot.name, self.world.ids)
        self.interactions: dict[str, Interaction] = {}
        """By token."""
        self.files: dict[int, bytes] = {}
        """What was attached, by the attachment's id; the newest `_MOST_FILES`."""

    @property
    def gateway_url(self) -> str:
        return f"ws://{self.host}/gateway"

    @property
    def api_url(self) -> str:
        return f"http://{self.host}/api/v10"

    @property
    def cdn_url(self) -> str:
        return f"http://{self.host}/cdn"

    def accepts(self, token: str) -> bool:
        """Whether this is the bot's token, and no fault says otherwise."""
        return token.removeprefix("Bot ") == self.token and not self.faults.token_refused()

    def keep(self, content: bytes) -> int:
        """Keep an attached file for who asks the CDN for it; the attachment's id."""
        number = self.world.ids.next()
        self.files[number] = content
        while len(self.files) > _MOST_FILES:
            del self.files[next(iter(self.files))]
        return number

    # --- messages ---

    def post(self, channel: Channel, author: Account, body: JSON, **facts: Any) -> Message:
        """Posts a message; `facts` are further fields of Message. Raises ApiError for a body that won't do."""
        content = bodies.fields(body)
        message = Message(self.world.ids.next(), channel, author, **content, **facts)
        self._mention(message, body)
        bodies.check(message)
        self.world.add_message(message)
        if not message.loading:
            self._seen(message)
        if not message.ephemeral:
            self.gateway.dispatch_message("MESSAGE_CREATE", message)
        return message

    def edit(self, message: Message, body: JSON) -> None:
        """Changes the fields of a message that `body` names; a `loading` one becomes visible."""
        for name, value in bodies.changes(message, body).items():
            setattr(message, name, value)
        self._mention(message, body)
        bodies.check(message)
        if message.loading:
            message.flags &= ~LOADING
            self._seen(message)
        else:
            message.edited_timestamp = timestamp()
            self.ledger.touch()
        if not message.ephemeral:
            self.gateway.dispatch_message("MESSAGE_UPDATE", message)

    def delete(self, message: Message) -> None:
        """Deletes a message."""
        message.deleted = True
        self.world.remove_message(message)
        if not message.ephemeral:
            self.gateway.dispatch("MESSAGE_DELETE", self._place(message), message.channel.guild_id)

    def react(self, message: Message, account: Account, emoji: str) -> None:
        """Adds a reaction; a second one of the same account changes nothing."""
        who = message.reactions.setdefault(emoji, [])
        if account in who:
            return
        who.append(account)
        data = self._reaction(message, account, emoji) | {"message_author_id": str(message.author.id)}
        guild = message.channel.guild
        if guild is not None and account.id in guild.members:
            data["member"] = guild.members[account.id].payload()
        self.gateway.dispatch("MESSAGE_REACTION_ADD", data, message.channel.guild_id)

    def unreact(self, message: Message, account: Account, emoji: str) -> None:
        """Takes a reaction back."""
        who = message.reactions.get(emoji, [])
        if account not in who:
            return
        who.remove(account)
        if not who:
            del message.reactions[emoji]
        self.gateway.dispatch(
            "MESSAGE_REACTION_REMOVE", self._reaction(message, account, emoji), message.channel.guild_id
        )

    def type_in(self, channel: Channel, account: Account) -> None:
        """Shows that an account is typing."""
        data: JSON = {
            "channel_id": str(channel.id),
            "user_id": str(account.id),
            "timestamp": int(time.time()),
        }
        if channel.guild is not None:
            data["guild_id"] = str(channel.guild.id)
            data["member"] = channel.guild.members[account.id].payload()
        self.gateway.dispatch("TYPING_START", data, channel.guild_id)

    def leave(self, guild: Guild) -> None:
        """The bot is no longer in a guild, which is the end of the guild."""
        del self.world.guilds[guild.id]
        for channel_id in guild.channels:
            del self.world.channels[channel_id]
        self.gateway.dispatch("GUILD_DELETE", {"id": str(guild.id)}, guild.id)

    def _seen(self, message: Message) -> None:
        if message.interaction is not None:
            message.interaction.replied()
        self.ledger.message(message)

    def _mention(self, message: Message, body: JSON) -> None:
        """Sets whom a message pings: those that it names, and whom it replies to, as far as its body allows."""
        known, target, allowed = self.world.accounts, message.reference, bodies.Allowed.of(body)
        named = [known[each] for each in mentioned_ids(message.content) if each in known]
        found = [account for account in named if allowed.user(account.id)]
        if target is not None and target.author not in found and allowed.replied:
            found.append(target.author)
        message.mentions = found
        message.mention_everyone = allowed.everyone and EVERYONE.search(message.content) is not None

    def _place(self, message: Message) -> JSON:
        data: JSON = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if message.channel.guild_id is not None:
            data["guild_id"] = str(message.channel.guild_id)
        return data

    def _reaction(self, message: Message, account: Account, emoji: str) -> JSON:
        data = self._place(message)
        data["message_id"] = data.pop("id")
        return data | {
            "user_id": str(account.id), "emoji": emoji_payload(emoji), "burst": False, "type": 0,
        }  # fmt: skip

    # --- interactions ---

    def interact(
        self, kind: Kind, name: str, user: Account, channel: Channel, data: JSON, **facts: Any
    ) -> Interaction:
        """Sends INTERACTION_CREATE; `facts` are further fields of Interaction."""
        interaction = Interaction(
            self.world.ids.next(),
            secrets.token_urlsafe(48),
            self.application.id,
            kind,
            name,
            user,
            channel,
            data,
            **facts,
        )
        self.interactions[interaction.token] = interaction
        if len(self.interactions) > self.world.kept_messages:
            del self.interactions[next(iter(self.interactions))]
        self.ledger.interaction(interaction)
        self.gateway.dispatch("INTERACTION_CREATE", interaction.payload(self.world.bot), channel.guild_id)
        return interaction
