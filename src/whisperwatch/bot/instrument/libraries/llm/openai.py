"""OpenAI's SDK, 1 to 3, and whatever server speaks its API. Read at 1.40, 1.109 and 3.57."""

from __future__ import annotations

import openai

from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.llm.answers import (
    read_completion,
    read_completion_chunk,
    read_response,
    read_response_event,
)
from whisperwatch.bot.instrument.libraries.llm.clients import Clients, Route

_COMPLETIONS = "openai.resources.chat.completions"
clients = Clients(
    "openai",
    openai.OpenAI,
    {
        "/chat/completions": Route("chat", read_completion, read_completion_chunk),
        "/completions": Route("text_completion", read_completion, read_completion_chunk),
        "/embeddings": Route("embeddings", read_completion, read_completion_chunk),
        "/responses": Route("chat", read_response, read_response_event),
    },
    ((_COMPLETIONS, "Completions"), (_COMPLETIONS, "AsyncCompletions")),
)


def apply() -> Undo:
    """Patch it."""
    return clients.apply()
