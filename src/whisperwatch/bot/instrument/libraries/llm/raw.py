"""Raw responses (`with_raw_response`, `with_streaming_response`): the bot gets HTTP's answer, and reads it at will.

What has been received when the call returns is read from its JSON, later and elsewhere. Else the call ends when a
stream that is made of the response does, when the response is closed, or when it is let go of.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.llm.answers import of_json
from whisperwatch.bot.instrument.libraries.llm.call import ModelCall
from whisperwatch.bot.instrument.libraries.llm.streams import Reader, take_over, watch_stream


class Unread:
    """A call whose answer the bot hasn't read yet."""

    __slots__ = ("call", "read", "read_chunk")

    def __init__(self, call: ModelCall, read: Reader, read_chunk: Reader) -> None:
        self.call: ModelCall | None = call
        self.read = read
        self.read_chunk = read_chunk

    def over(self, response: Any, how: str) -> None:
        """The response is closed: with its body read, it tells as much as any."""
        call, self.call = self.call, None
        if call is None or call.end_ns:
            return
        if hasattr(response, "_content"):
            read_body(call, response, self.read)
        elif how:
            call.over(how=how)

    def __del__(self, ends: Callable[[], bool] = sys.is_finalizing) -> None:
        if self.call is not None and not ends():
            self.call.over(how="abandoned")


_unread: WeakKeyDictionary[Any, Unread] = WeakKeyDictionary()
"""By HTTP response."""


def read_body(call: ModelCall, response: Any, read: Reader) -> None:
    """End a call whose answer has been received."""
    try:
        read(call, of_json(response.content))
    except (ValueError, TypeError, AttributeError):  # no JSON, or none of an answer: there is nothing to read
        call.model = ""
    call.over()


def watch_raw(raw: Any, call: ModelCall, read: Reader, read_chunk: Reader) -> None:
    """End the call with the response, now or later."""
    response = raw.http_response
    if hasattr(response, "_content"):
        read_body(call, response, read)
    else:
        _unread[response] = Unread(call, read, read_chunk)


def init(original: Any) -> Any:
    """`Stream.__init__` and `AsyncStream.__init__`: a stream made of a raw response takes its call over."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        try:
            unread = _unread.pop(self.response, None) if _unread else None
            if unread is None:
                take_over(self)
            elif unread.call is not None:
                call, unread.call = unread.call, None
                watch_stream(self, call, unread.read_chunk)
        except Exception:
            guard.failed("llm raw stream")

    return __init__


def close(original: Any) -> Any:
    """`APIResponse.close`, by the context manager of `with_streaming_response`."""

    def close(self: Any) -> Any:
        _closed(self)
        return original(self)

    return close


def aclose(original: Any) -> Any:
    """`AsyncAPIResponse.close`."""

    async def close(self: Any) -> Any:
        _closed(self)
        return await original(self)

    return close


def _closed(raw: Any) -> None:
    try:
        response = raw.http_response
        unread = _unread.pop(response, None)
        if unread is not None:
            unread.over(response, "closed")
    except Exception:
        guard.failed("llm raw response")
