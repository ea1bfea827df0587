"""Interactions: what a user did with a command, component or modal, and how and when the bot answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from whisperwatch.demo.loopback.accounts import Account
from whisperwatch.demo.loopback.guilds import Channel
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.wire import JSON

Kind = Literal["slash", "context_menu", "component", "autocomplete", "modal"]
TYPES: dict[Kind, int] = {"slash": 2, "context_menu": 2, "component": 3, "autocomplete": 4, "modal": 5}


@dataclass(slots=True, eq=False)
class Interaction:
    """One interaction. Times are seconds since 1970.

    Attributes:
        name: the command's qualified name, or the custom id of the component or modal.
        answer_type: of the initial response: 4 message, 5 deferred, 6 deferred update, 7 update, 8 choices, 9 modal.
        late: whether the initial response came after Discord's deadline, and was refused.
        response: the message that the initial response made or updated; after a deferral it is `loading` at first.
        replied_at: when a message of the bot was first visible.
    """

    id: int
    token: str
    application_id: int
    kind: Kind
    name: str
    user: Account
    channel: Channel
    data: JSON
    message: Message | None = None
    parent: Interaction | None = None
    """The interaction whose answer was the modal that this one submits."""
    sent_at: float = field(default_factory=time.time)
    answered_at: float | None = None
    answer_type: int | None = None
    late: bool = False
    response: Message | None = None
    updated: bool = False
    """Whether the bot changed the message that the component is on."""
    replied_at: float | None = None
    modal: JSON | None = None
    choices: list[JSON] | None = None
    followups: list[Message] = field(default_factory=list)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def replies(self) -> list[Message]:
        """The bot's visible answers: the response once it isn't loading (or the message, once the bot has updated
        it), and the followups."""
        response = self.response
        if response is None or response.loading or (response is self.message and not self.updated):
            return self.followups
        return [response, *self.followups]

    def replied(self) -> None:
        """Something of the bot's is visible."""
        if self.replied_at is None:
            self.replied_at = time.time()

    def answer(self, type: int) -> None:
        """The bot's initial response has come in time."""
        self.answered_at = time.time()
        self.answer_type = type
        self._answered.set()

    async def answered(self, timeout: float = 5.0) -> Interaction:
        """Waits for the bot's initial response. Raises TimeoutError."""
        try:
            async with asyncio.timeout(timeout):
                await self._answered.wait()
        except TimeoutError:
            raise TimeoutError(f"{self.kind} {self.name!r} had no response after {timeout} s") from None
        return self

    def payload(self, bot: Account) -> JSON:
        """The data of INTERACTION_CREATE."""
        guild = self.channel.guild
        owners = {"0": str(self.channel.guild_id or 0)}
        data: JSON = {
            "id": str(self.id),
            "application_id": str(self.application_id),
            "type": TYPES[self.kind],
            "token": self.token,
            "version": 1,
            "data": self.data,
            "channel": self.channel.payload(),
            "channel_id": str(self.channel.id),
            "locale": "en-US",
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": owners,
            "context": 1 if guild is None else 0,
            "attachment_size_limit": 10 * 1024 * 1024,
        }
        if self.message is not None:
            data["message"] = self.message.payload()
        if guild is None:
            return data | {"user": self.user.payload(), "app_permissions": str(0)}
        permissions = str(guild.permissions_of(self.user))
        member = guild.members[self.user.id].payload() | {"permissions": permissions}
        return data | {
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "member": member,
            "app_permissions": str(guild.permissions_of(bot)),
        }

    def of_message(self) -> JSON:
        """How a message says that it answers this interaction."""
        metadata: JSON = {
            "id": str(self.id),
            "type": TYPES[self.kind],
            "user": self.user.payload(),
            "authorizing_integration_owners": {"0": str(self.channel.guild_id or 0)},
        }
        if self.kind == "component" and self.message is not None:
            metadata["interacted_message_id"] = str(self.message.id)
        if self.kind == "modal" and self.parent is not None:
            metadata["triggering_interaction_metadata"] = self.parent.of_message()["interaction_metadata"]
        data: JSON = {"interaction_metadata": metadata}
        if self.kind in ("slash", "context_menu"):
            data["interaction"] = {
                "id": str(self.id), "type": TYPES[self.kind], "name": self.name, "user": self.user.payload(),
            }  # fmt: skip
        return data

    def summary(self) -> dict[str, Any]:
        """The interaction as the ledger tells it."""
        return {
            "id": str(self.id),
            "kind": self.kind,
            "name": self.name,
            "user": self.user.name,
            "sent_at": self.sent_at,
            "answered_at": self.answered_at,
            "answer_type": self.answer_type,
            "replied_at": self.replied_at,
            "late": self.late,
            "modal": self.modal,
            "choices": self.choices,
            "replies": [message.payload() for message in self.replies],
        }
