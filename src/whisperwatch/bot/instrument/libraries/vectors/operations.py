"""An operation of a vector store while it is under way, and the functions that stand before the clients' own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.calls import ended, suppressed
from whisperwatch.bot.instrument.libraries.databases import Server
from whisperwatch.bot.instrument.libraries.memories import measure_memory
from whisperwatch.bot.instrument.libraries.nesting import NestingCall
from whisperwatch.bot.recording.recorder import recorder

IN_PROCESS = "in-process"
"""`server.address` of a store that is no server."""
_MOST_COLLECTIONS = 100
_MOST_RATED = 1000
"""Records whose distances are summed up; of more only the first are."""
_IDS = re.compile(r"\d{6,}|[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One function of a client.

    Attributes:
        name: `db.operation.name`.
        memory: what it is to the bot, `retrieve` or `store`; empty where it is neither.
        read: reads from the answer how many records it has, and how near they are.
        size: how many records its arguments have.
    """

    name: str
    memory: str = ""
    read: Callable[[VectorCall, Any], None] | None = None
    size: Callable[[Any, Any], int | None] | None = None


class Named:
    """What the operations on one collection have in common."""

    __slots__ = ("durations", "static", "title")

    def __init__(self, server: Server, operation: Operation, collection: str) -> None:
        self.title = f"{operation.name} {collection}"
        about = {**server.about, semconv.DB_OPERATION: operation.name, semconv.DB_COLLECTION: collection}
        if operation.memory:
            about[semconv.MEMORY_OPERATION] = operation.memory
        self.static = recorder.attribute_set(about)
        self.durations = server.durations(operation.name)


class VectorCall(NestingCall):
    """One operation that is under way."""

    component = "memory"
    rows: int | None = None
    batch: int | None = None
    distances: tuple[float, float] | None = None
    """The least, and the mean."""
    scores: tuple[float, float] | None = None
    """The greatest, and the mean."""

    def __init__(self, named: Named, memory: str) -> None:
        self.title = named.title
        self.static = named.static
        self.durations = named.durations
        self.memory = memory
        self.begin()

    def settle(self) -> None:
        super().settle()
        if self.memory:
            measure_memory(
                self, self.memory, self.rows if self.memory == "retrieve" else self.batch, self._relevance
            )

    @property
    def _relevance(self) -> float | None:
        """How well the best of what was found fits, from 0 to 1: a similarity as it is, a distance d as 1 / (1 + d)."""
        if self.scores is not None:
            return min(1.0, max(0.0, self.scores[0]))
        return None if self.distances is None else 1 / (1 + max(0.0, self.distances[0]))

    def describe(self) -> None:
        own = self.own = self.own or {}
        if self.rows is not None:
            own[semconv.DB_RETURNED_ROWS] = self.rows
        if self.batch is not None:
            own[semconv.DB_BATCH_SIZE] = self.batch
        if self.distances is not None:
            own[semconv.DISTANCE_MIN], own[semconv.DISTANCE_MEAN] = self.distances
        if self.scores is not None:
            own[semconv.SCORE_MAX], own[semconv.SCORE_MEAN] = self.scores


class Store:
    """One client, or what a client's collections share."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._known: dict[tuple[str, str], Named] = {}
        self._names: dict[str, str] = {}

    def call(self, operation: Operation, collection: str) -> VectorCall:
        """Begin an operation."""
        name = self._names.get(collection) or self._named(collection)
        key = (operation.name, name)
        named = self._known.get(key)
        if named is None:
            named = self._known[key] = Named(self.server, operation, name)
        return VectorCall(named, operation.memory)

    def _named(self, collection: str) -> str:
        plain = _IDS.sub("#", collection)
        name = recorder.mask(plain)
        if name not in self._names.values() and len(set(self._names.values())) >= _MOST_COLLECTIONS:
            return "other"
        if (
            name == plain and len(self._names) < 10 * _MOST_COLLECTIONS
        ):  # else another message may not be about it
            self._names[collection] = name
        return name


Find = Callable[[Any, Any, Any], tuple[Store, str]]
"""From a method's object and arguments: the store, and the collection's name."""


def watched(operation: Operation, find: Find, on: Callable[[], bool]) -> Callable[[Any], Any]:
    """What makes the function that stands before a client's own, sync or async."""

    def begin(owner: Any, args: Any, kwargs: Any) -> VectorCall | None:
        try:
            if not on() or suppressed():
                return None
            store, collection = find(owner, args, kwargs)
            call = store.call(operation, collection)
            if operation.size is not None:
                call.batch = operation.size(args, kwargs)
            return call
        except Exception:
            guard.failed("vector store")
            return None

    def finish(call: VectorCall, answer: Any) -> None:
        try:
            if operation.read is not None:
                operation.read(call, answer)
        except Exception:
            guard.failed("vector store answer")
        ended(call)

    def make(original: Any) -> Any:
        if inspect.iscoroutinefunction(original):

            async def operate_async(self: Any, *args: Any, **kwargs: Any) -> Any:
                call = begin(self, args, kwargs)
                if call is None:
                    return await original(self, *args, **kwargs)
                token = call.enter()
                try:
                    answer = await original(self, *args, **kwargs)
                except BaseException as error:
                    ended(call, error)
                    raise
                finally:
                    call.leave(token)
                finish(call, answer)
                return answer

            return operate_async

        def operate(self: Any, *args: Any, **kwargs: Any) -> Any:
            call = begin(self, args, kwargs)
            if call is None:
                return original(self, *args, **kwargs)
            token = call.enter()
            try:
                answer = original(self, *args, **kwargs)
            except BaseException as error:
                ended(call, error)
                raise
            finally:
                call.leave(token)
            finish(call, answer)
            return answer

        return operate

    return make


def rated(values: Iterable[Any], best: Callable[[list[float]], float]) -> tuple[float, float] | None:
    """The best and the mean of these distances or scores; None where there are none."""
    numbers = [float(value) for value, _ in zip(values, range(_MOST_RATED), strict=False)]
    return (best(numbers), sum(numbers) / len(numbers)) if numbers else None
