"""What is read of a model's answer: numbers, the reason of its end, the model's name. What it says is recorded nowhere:
it is kept until the call is over, and told to the masking then.

An answer is the SDK's object, or, of a raw response, its JSON with attributes for keys. One function for each shape,
whole and in pieces; what an answer doesn't have is left as it is.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from whisperwatch.bot.instrument.libraries.llm.call import ModelCall

_INPUT = ("prompt_tokens", "input_tokens")
_OUTPUT = ("completion_tokens", "output_tokens")
_FUNCTION_CALLS = frozenset({"function_call", "custom_tool_call", "tool_use", "server_tool_use"})
_WITH_RESPONSE = frozenset({
    "response.created", "response.completed", "response.incomplete", "response.failed",
})  # fmt: skip


def read_completion(call: ModelCall, answer: Any) -> None:
    """A `ChatCompletion`, a `Completion`, or embeddings, which have no choices."""
    _read_identity(call, answer)
    for choice in getattr(answer, "choices", None) or ():
        _finished(call, choice.finish_reason)
        call.hear(
            getattr(getattr(choice, "message", choice), "content", None) or getattr(choice, "text", None)
        )
        calls = getattr(getattr(choice, "message", None), "tool_calls", None)
        if calls:
            call.tool_calls += len(calls)
    read_usage(call, getattr(answer, "usage", None))


def read_completion_chunk(call: ModelCall, chunk: Any) -> None:
    """A `ChatCompletionChunk`."""
    if not call.model:
        _read_identity(call, chunk)
    for choice in chunk.choices or ():
        if choice.finish_reason is not None:
            _finished(call, choice.finish_reason)
        call.hear(getattr(getattr(choice, "delta", choice), "content", None) or getattr(choice, "text", None))
        for piece in getattr(getattr(choice, "delta", None), "tool_calls", None) or ():
            if type(piece.index) is int and piece.index >= call.tool_calls:
                call.tool_calls = piece.index + 1
    usage = getattr(chunk, "usage", None)
    if usage is not None:
        read_usage(call, usage)


def read_response(call: ModelCall, response: Any) -> None:
    """A `Response` of the responses API. Why it ended is its status, or what made it incomplete."""
    _read_identity(call, response)
    details = getattr(response, "incomplete_details", None)
    _finished(call, getattr(details, "reason", None) or getattr(response, "status", None))
    items = getattr(response, "output", None) or ()
    call.tool_calls = sum(item.type in _FUNCTION_CALLS for item in items)
    for item in items:
        for part in getattr(item, "content", None) or ():
            call.hear(getattr(part, "text", None))
    read_usage(call, getattr(response, "usage", None))


def read_response_event(call: ModelCall, event: Any) -> None:
    """An event of a streamed `Response`: those at its begin and end have it whole."""
    if event.type in _WITH_RESPONSE:
        if event.type == "response.created":
            _read_identity(call, event.response)
        else:
            read_response(call, event.response)


def read_message(call: ModelCall, message: Any) -> None:
    """Anthropic's `Message`."""
    _read_identity(call, message)
    _finished(call, getattr(message, "stop_reason", None))
    parts = getattr(message, "content", None) or ()
    call.tool_calls = sum(part.type in _FUNCTION_CALLS for part in parts)
    for part in parts:
        call.hear(getattr(part, "text", None))
    read_usage(call, getattr(message, "usage", None))


def read_message_event(call: ModelCall, event: Any) -> None:
    """An event of a streamed `Message`: the prompt's tokens come first, those of the answer, so far, last."""
    kind = event.type
    if kind == "content_block_start":
        call.tool_calls += event.content_block.type in _FUNCTION_CALLS
    elif kind == "content_block_delta":
        call.hear(getattr(event.delta, "text", None))
    elif kind == "message_start":
        read_message(call, event.message)
    elif kind == "message_delta":
        _finished(call, event.delta.stop_reason)
        read_usage(call, event.usage)


def read_usage(call: ModelCall, usage: Any) -> None:
    """Tokens, by whichever names. Anthropic counts what it cached apart; the conventions count it in."""
    if usage is None:
        return
    cached = _number(usage, "cache_read_input_tokens")
    written = _number(usage, "cache_creation_input_tokens")
    given = next((n for name in _INPUT if (n := _number(usage, name)) is not None), None)
    if given is not None:
        call.input_tokens = given + (cached or 0) + (written or 0)
    spoken = next((n for name in _OUTPUT if (n := _number(usage, name)) is not None), None)
    if spoken is not None:
        call.output_tokens = spoken
    for names, part, keep in (
        (_INPUT, "cached_tokens", "cached_tokens"),
        (_OUTPUT, "reasoning_tokens", "reasoning_tokens"),
    ):
        for name in names:
            counted = _number(getattr(usage, f"{name}_details", None), part)
            if counted:
                setattr(call, keep, counted)
    if cached:
        call.cached_tokens = cached


def of_json(content: bytes) -> Any:
    """The body of a raw response as an answer."""
    return json.loads(content, object_hook=lambda pairs: SimpleNamespace(**pairs))


def _read_identity(call: ModelCall, answer: Any) -> None:
    model, number = getattr(answer, "model", None), getattr(answer, "id", None)
    if type(model) is str:
        call.model = model
    if type(number) is str:
        call.response_id = number


def _finished(call: ModelCall, reason: Any) -> None:
    if type(reason) is str and reason not in call.finish_reasons:
        call.finish_reasons.append(reason)


def _number(holder: Any, name: str) -> int | None:
    value = getattr(holder, name, None)
    return value if type(value) is int else None
