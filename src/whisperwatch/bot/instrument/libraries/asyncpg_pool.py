"""asyncpg's pools: how long one waits for a connection and keeps it, how many are open, how many wait.

A pool is known by its queue, which can be referred to weakly, as the pool can't: that we count a pool doesn't keep it
alive. Free connections are in the queue, and who waits for one waits there.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Any

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.calls import ended
from whisperwatch.bot.instrument.libraries.databases import Server, SQLCall
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.instrument.patches import Patch
from whisperwatch.bot.recording.recorder import recorder

now = recorder.clock.now
SHOWN_FROM_NS = 5_000_000
"""A wait of so long has a span of its own."""
_MOST_IN_USE = 10_000


class PoolCells:
    """What the pools of one database are measured by."""

    def __init__(self, name: str) -> None:
        about = {semconv.DB_POOL: name}
        self.wait = timing(semconv.DB_CONNECTION_WAIT, about)
        self.use = timing(semconv.DB_CONNECTION_USE, about)
        self.create = timing(semconv.DB_CONNECTION_CREATE, about)
        self.timeouts = counting(semconv.DB_CONNECTION_TIMEOUTS, about)
        self.most = counting(semconv.DB_CONNECTIONS_MAX, about)
        self.pending = counting(semconv.DB_CONNECTIONS_PENDING, about)
        self.idle = counting(semconv.DB_CONNECTIONS, {**about, semconv.DB_CONNECTION_STATE: "idle"})
        self.used = counting(semconv.DB_CONNECTIONS, {**about, semconv.DB_CONNECTION_STATE: "used"})


_cells: dict[str, PoolCells] = {}
_pools: weakref.WeakKeyDictionary[Any, Server] = weakref.WeakKeyDictionary()
"""The server of each pool, by the pool's queue."""
_since: dict[int, tuple[int, PoolCells]] = {}
"""Since when a connection has been out, by its holder."""


def cells_of(server: Server) -> PoolCells:
    """The cells of the pools of a database."""
    found = _cells.get(server.pool)
    if found is None:
        found = _cells[server.pool] = PoolCells(server.pool)
    return found


def patches(on: LibraryPatches, pool: Any, server: Callable[[Any], Server]) -> list[Patch]:
    """Of the module `asyncpg.pool`; `server` tells the database of a connection."""
    if _read not in recorder.collectors:
        recorder.collectors.append(_read)
    holder = getattr(pool, "PoolConnectionHolder", None)
    return [
        Patch(getattr(pool, "Pool", None), "_acquire", _acquiring(on, server)),
        Patch(holder, "_release", _releasing(on)),
    ]


def forget() -> None:
    """Know no pool any more."""
    _pools.clear()
    _since.clear()
    if _read in recorder.collectors:
        recorder.collectors.remove(_read)


def step(server: Server, operation: str, start: int, error: BaseException | None) -> None:
    """Record what began at `start` and is over now."""
    call = SQLCall(server.step(operation))
    call.start_ns = start
    ended(call, error)


def _acquiring(on: LibraryPatches, server: Callable[[Any], Server]) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        async def _acquire(self: Any, timeout: Any) -> Any:
            if not on.on:
                return await original(self, timeout)
            start = now()
            try:
                proxy = await original(self, timeout)
            except (TimeoutError, asyncio.CancelledError) as error:
                _given_up(self, start, error)
                raise
            try:
                _acquired(self._queue, server(proxy._con), proxy._holder, start)
            except Exception:
                guard.failed("asyncpg acquire")
            return proxy

        return _acquire

    return make


def _acquired(queue: Any, server: Server, holder: Any, start: int) -> None:
    got = now()
    cells = cells_of(server)
    cells.wait.record((got - start) / 1e9)
    if got - start >= SHOWN_FROM_NS:
        step(server, "acquire", start, None)
    if queue not in _pools:
        _pools[queue] = server
    if len(_since) < _MOST_IN_USE:
        _since[id(holder)] = got, cells


def _given_up(pool: Any, start: int, error: BaseException) -> None:
    try:
        server = _pools.get(pool._queue)
        if server is not None and now() - start >= SHOWN_FROM_NS:
            cells_of(server).timeouts.add(1)
            step(server, "acquire", start, error)
    except Exception:
        guard.failed("asyncpg acquire")


def _releasing(on: LibraryPatches) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def _release(self: Any) -> None:
            original(self)
            if on.on:
                out = _since.pop(id(self), None)
                if out is not None:
                    out[1].use.record((now() - out[0]) / 1e9)

        return _release

    return make


def _read() -> None:
    """Count the connections of each pool: called at each collection, on the ship's thread."""
    sums = {name: [0, 0, 0, 0] for name in _cells}
    for queue, server in list(_pools.items()):
        free = list(queue._queue)
        if free and free[0]._pool._closed:
            _pools.pop(queue, None)
            continue
        figures = sums[server.pool]
        figures[0] += queue.maxsize
        figures[1] += sum(holder.is_connected() for holder in free)
        figures[2] += queue.maxsize - len(free)
        figures[3] += sum(not waiter.done() for waiter in list(queue._getters))
    for name, (most, idle, used, pending) in sums.items():
        cells = _cells[name]
        cells.most.set(most)
        cells.idle.set(idle)
        cells.used.set(used)
        cells.pending.set(pending)
