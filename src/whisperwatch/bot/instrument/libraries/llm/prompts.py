"""What a model was asked, for masking: a log or an exception that repeats it shall not. It is recorded nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

_MOST = 8
"""Of a conversation, its newest texts."""


def prompts(body: Mapping[str, Any]) -> Iterator[str]:
    """The newest texts in the body of a request to OpenAI's or Anthropic's API."""
    for key in ("messages", "input", "prompt"):
        yield from islice(_texts(body.get(key)), _MOST)


def _texts(given: Any) -> Iterator[str]:
    """Newest first: a text, a list of texts, of messages, or of a message's parts."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping):
        yield from _texts(given.get("content", given.get("text")))
    elif isinstance(given, list | tuple):
        for part in islice(reversed(given), _MOST):
            yield from _texts(part)
