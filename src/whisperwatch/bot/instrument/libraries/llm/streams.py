"""Streamed answers: read along with the bot, chunk by chunk, in the SDK's own stream object.

The iterator that a `Stream` reads from is replaced by one that looks at each chunk. The stream stays the SDK's object
in every other respect. A stream that nobody reads on ends its call when it is closed, or when it is let go of.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.llm.call import ModelCall
from whisperwatch.bot.recording.recorder import recorder

Reader = Callable[[ModelCall, Any], None]
_now = recorder.clock.now


class Chunks:
    """The iterator of a stream, sync or async, as the SDK made it, and a look at all that comes from it."""

    __slots__ = ("__weakref__", "_call", "_inner", "_read")

    def __init__(self, inner: Any, call: ModelCall, read: Reader) -> None:
        self._inner = inner
        self._call: ModelCall | None = call
        self._read = read

    def __iter__(self) -> Chunks:
        return self

    def __aiter__(self) -> Chunks:
        return self

    def __next__(self) -> Any:
        try:
            chunk = self._inner.__next__()
        except StopIteration:
            self.over()
            raise
        except BaseException as error:
            self.over(error)
            raise
        self._look(chunk)
        return chunk

    async def __anext__(self) -> Any:
        try:
            chunk = await self._inner.__anext__()
        except StopAsyncIteration:
            self.over()
            raise
        except BaseException as error:
            self.over(error)
            raise
        self._look(chunk)
        return chunk

    def _look(self, chunk: Any) -> None:
        try:
            call = self._call
            if call is not None:
                if not call.first_chunk_ns:
                    call.first_chunk_ns = _now()
                self._read(call, chunk)
        except Exception:
            guard.failed("llm chunk")

    def hand_over(self) -> tuple[ModelCall, Reader] | None:
        """Another stream reads the same response from now on: the call is that one's."""
        call, self._call = self._call, None
        return None if call is None or call.end_ns else (call, self._read)

    def over(self, error: BaseException | None = None, how: str = "") -> None:
        """The call has ended with the stream."""
        try:
            if self._call is not None:
                self._call.over(error, how)
        except Exception:
            guard.failed("llm stream end")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)  # a generator's `close`, `aclose` and so on

    def __del__(self, ends: Callable[[], bool] = sys.is_finalizing) -> None:
        if not ends():
            self.over(how="abandoned")


def watch_stream(stream: Any, call: ModelCall, read: Reader) -> None:
    """Look at what comes from this stream, and end the call with it."""
    chunks = stream._iterator = Chunks(stream._iterator, call, read)
    _watched[stream.response] = chunks


_watched: WeakValueDictionary[Any, Chunks] = WeakValueDictionary()
"""By HTTP response."""


def take_over(stream: Any) -> None:
    """A stream that is made of a watched stream's response (Anthropic's helper of old does that) has its call."""
    chunks = _watched.get(stream.response)
    given = chunks.hand_over() if chunks is not None else None
    if given is not None:
        watch_stream(stream, *given)


def close(original: Any) -> Any:
    """`Stream.close`: a call whose stream was not read to its end is over."""

    def close(self: Any) -> Any:
        _closed(self)
        return original(self)

    return close


def aclose(original: Any) -> Any:
    """`AsyncStream.close`."""

    async def close(self: Any) -> Any:
        _closed(self)
        return await original(self)

    return close


def close_outer(original: Any) -> Any:
    """`MessageStream.close`, which of old closed the response, and not its stream."""

    def close(self: Any) -> Any:
        _closed(self._raw_stream)
        return original(self)

    return close


def aclose_outer(original: Any) -> Any:
    """`AsyncMessageStream.close`."""

    async def close(self: Any) -> Any:
        _closed(self._raw_stream)
        return await original(self)

    return close


def _closed(stream: Any) -> None:
    chunks = getattr(stream, "__dict__", {}).get("_iterator")
    if type(chunks) is Chunks:
        chunks.over(how="closed")
