"""Questions to the store's file, from the watcher or any other process: read-only, in few threads, interruptible."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.file import open_to_read
from whisperwatch.watcher.store.partitions import View

T = TypeVar("T")
_THREADS: Final = 2


class Readers:
    """A few connections that read `path`, each in whatever thread asks; opened when first needed.

    A partition may be dropped between a question's statements: work reads in one transaction, and so sees one moment.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store reader")
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._closed = False

    async def run(self, work: Callable[[View], T], timeout_s: float = 10.0) -> T:
        """What `work` makes of the store, within one read transaction. Cancelled, it stops within a moment.

        Raises:
            StoreError: the store can't be opened or read, or `work` took longer than `timeout_s`.
        """
        loop = asyncio.get_running_loop()
        reading = _Reading(self, work)
        future: asyncio.Future[T] = loop.run_in_executor(self._threads, reading.run)
        future.add_done_callback(_heard)
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(future)
        except TimeoutError:
            reading.interrupt()
            raise StoreError(f"the store took longer than {timeout_s:g} s to answer") from None
        except asyncio.CancelledError:
            reading.interrupt()
            raise

    def close(self) -> None:
        """Close what is idle, and the rest when it is done."""
        self._closed = True
        self._threads.shutdown(wait=False)
        while (connection := self._take_idle()) is not None:
            connection.close()

    def connect(self) -> sqlite3.Connection:
        """An idle connection, or a new one."""
        return self._take_idle() or open_to_read(self._path)

    def give_back(self, connection: sqlite3.Connection) -> None:
        """It is free for the next."""
        if self._closed:
            connection.close()
        else:
            self._idle.put(connection)

    def _take_idle(self) -> sqlite3.Connection | None:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return None


def _heard(future: asyncio.Future[Any]) -> None:
    """Nobody may be left to hear of its failure."""
    if not future.cancelled():
        future.exception()


class _Reading(Generic[T]):
    """One piece of work in a thread."""

    def __init__(self, readers: Readers, work: Callable[[View], T]) -> None:
        self._readers, self._work = readers, work
        self._stopped = False
        self._connection: sqlite3.Connection | None = None

    def interrupt(self) -> None:
        self._stopped = True
        if (connection := self._connection) is not None:
            connection.interrupt()

    def run(self) -> T:
        if self._stopped:
            raise StoreError("nobody waits for the answer")
        connection = self._readers.connect()
        self._connection = connection
        # an interrupt between two statements is forgotten by SQLite: this one is not
        connection.set_progress_handler(lambda: int(self._stopped), 10_000)
        try:
            connection.execute("BEGIN")
            return self._work(View(connection))
        except sqlite3.Error as error:
            raise StoreError(f"the store can't be read: {error}") from error
        finally:
            self._connection = None
            connection.set_progress_handler(None, 0)
            if connection.in_transaction:
                connection.rollback()
            self._readers.give_back(connection)
