"""What a model was asked, for masking: a log or an exception that repeats it shall not. It is recorded nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

_MOST = 8
"""Of a conversation, its newest texts."""


def prompts(body: Mapping[str, Any]) -> Iterator[str]:
    """The instructions and the newest texts in the body of a request to OpenAI's or Anthropic's API."""
    for key in ("system", "instructions", "messages", "input", "prompt"):
        given = body.get(key)
        if isinstance(given, list | tuple) and len(given) > _MOST:
            yield from islice(_texts(given[0]), _MOST)  # what a conversation begins with goes for all of it
        yield from islice(_texts(given), _MOST)


def _texts(given: Any) -> Iterator[str]:
    """Newest first: a text, a list of texts, of messages, or of a message's parts."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping):
        yield from _texts(given.get("content", given.get("text")))
    elif isinstance(given, list | tuple):
        for part in islice(reversed(given), _MOST):
            yield from _texts(part)
