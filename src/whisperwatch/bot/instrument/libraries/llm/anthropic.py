"""Anthropic's SDK, 0.40 to 2. Read at 0.40, 1.17 and 2.13, which makes spans of its own: there we measure only."""

from __future__ import annotations

import anthropic
from anthropic.lib.streaming import AsyncMessageStream, MessageStream

from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.llm import streams
from whisperwatch.bot.instrument.libraries.llm.answers import read_message, read_message_event
from whisperwatch.bot.instrument.libraries.llm.clients import Clients, Route
from whisperwatch.bot.instrument.patches import Patch

_MESSAGES = "anthropic.resources.messages"
clients = Clients(
    "anthropic",
    anthropic.Anthropic,
    {"/v1/messages": Route("chat", read_message, read_message_event)},
    ((_MESSAGES, "Messages"), (_MESSAGES, "AsyncMessages")),
)


def apply() -> Undo:
    """Patch it."""
    return clients.apply((
        Patch(MessageStream, "close", streams.close_outer),
        Patch(AsyncMessageStream, "close", streams.aclose_outer),
    ))  # fmt: skip
