"""The store at work: once a second what came is committed; now and then what is old is rolled up and dropped.

All of SQLite happens in one thread. A disk that is full or can't be written costs nobody anything but what no longer
fits while it waits: it is said once, tried again with every second, and goes on by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from whisperwatch.semconv import REASON, SELF_STORE_DROPPED, SELF_STORE_LIMIT, SELF_STORE_SIZE, SIGNAL
from whisperwatch.watcher.records import LocalStream
from whisperwatch.watcher.store import place, shares
from whisperwatch.watcher.store.active_users import SCHEMA as ACTIVE_USERS
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.file import is_broken, open_to_write, set_aside
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.reading import Readers
from whisperwatch.watcher.store.signals import Signal
from whisperwatch.watcher.store.transactions import transaction
from whisperwatch.watcher.store.worker import Worker

_log = logging.getLogger("whisperwatch.watcher")
WRITE_S: Final = 1.0
TEND_S: Final = 15.0
_OPEN_AGAIN_S: Final = 10.0
_SLICE_PAGES: Final = 256
_ROOM: Final = "no_room"

Batch = list[tuple[Signal, Any]]


@dataclass(frozen=True, slots=True)
class StoreState:
    """How the store is. `problem` is a sentence, None while it is written; `since` and `written` are unix seconds;
    `warning` is what the operator should know of its place."""

    path: Path
    problem: str | None
    since: float
    written: float | None
    size_bytes: int
    warning: str | None = None


class Store:
    """Keeps what `signals` take.

    Args:
        path: the file's.
        most_bytes: the size at which the oldest goes; asked anew each time.
        figures: where `whisperwatch.store.*` go.
        now: unix seconds.
    """

    def __init__(
        self,
        path: Path,
        signals: Sequence[Signal],
        most_bytes: Callable[[], int],
        figures: LocalStream,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.path, self.signals = path, tuple(signals)
        self.readers = Readers(path)
        self._most_bytes, self._figures, self._now = most_bytes, figures, now
        self._worker = Worker("store")
        self._writing = asyncio.Lock()
        self._lock: place.Lock | None = None
        self._database: Database | None = None
        self._unwritten: Batch = []
        self._tended = self._opened_at = float("-inf")
        self._size = 0
        self._made_room: list[str] = []
        self._problem: str | None = None
        self._warning = place.warning(path)
        self._since = now()
        self._written: float | None = None
        for signal in self.signals:
            figures.add(SELF_STORE_DROPPED, 0, {SIGNAL: signal.name, REASON: _ROOM})

    @property
    def state(self) -> StoreState:
        """How it is."""
        return StoreState(self.path, self._problem, self._since, self._written, self._size, self._warning)

    async def open(self) -> None:
        """Open the file, so that what is wrong with it is known before the first second has passed. Never raises."""
        await self._worker.do(self._try_open)

    async def run(self) -> None:
        """Write each second, until cancelled."""
        while True:
            await asyncio.sleep(WRITE_S)
            try:
                await self.write()
            except Exception:
                _log.exception("the store could not be written; it is tried again")

    async def write(self) -> bool:
        """Take what came and commit it; roll up and drop when that is due. False where it can't be written now."""
        async with self._writing:  # who asks while it is being written has what came since in the next commit
            if not self._unwritten:
                self._unwritten = self._taken()
            written = await self._worker.do(self._work)
            self._show()
            return written

    async def do(self, work: Callable[[Database], Any]) -> Any:
        """What `work` makes of the database, in the store's thread, within a transaction.

        Raises:
            StoreError: the store can't be written.
        """
        return await self._worker.do(lambda: self._do(work))

    async def stop(self) -> None:
        """Write what there is, and close."""
        with contextlib.suppress(Exception):
            await self.write()
            if not self._unwritten:
                await self.write()
        self.readers.close()  # before: who closes last tidies the write-ahead log up
        await self._worker.do(self._close)
        self._worker.stop()

    def _show(self) -> None:
        self._figures.set(SELF_STORE_SIZE, self._size)
        self._figures.set(SELF_STORE_LIMIT, self._most_bytes())
        made_room, self._made_room = self._made_room, []
        for signal in made_room:
            self._figures.add(SELF_STORE_DROPPED, 1, {SIGNAL: signal, REASON: _ROOM})

    def _taken(self) -> Batch:
        found = []
        for signal in self.signals:
            try:
                taken = signal.take()
            except Exception:
                _log.exception("%s could not be taken for the store; they are tried again", signal.name)
                continue
            if taken is not None:
                found.append((signal, taken))
        return found

    # in the store's thread

    def _work(self) -> bool:
        if not self._try_open():
            return False
        database = self._database
        assert database is not None
        try:
            try:
                self._commit(database)
            finally:  # what is old makes room where the disk is full
                if self._now() - self._tended >= TEND_S:
                    self._tended = self._now()
                    self._tend(database)
        except (sqlite3.Error, OSError) as error:
            self._fail(error)
            return False
        self._works()
        return True

    def _try_open(self) -> bool:
        if self._database is not None:
            return True
        if time.monotonic() - self._opened_at < _OPEN_AGAIN_S:
            return False
        self._opened_at = time.monotonic()
        try:
            place.refuse_network(self.path)
            if self._lock is None:
                self._lock = place.Lock(self.path)
            schema = [statement for signal in self.signals for statement in signal.schema]
            self._database = Database(open_to_write(self.path, [*schema, *ACTIVE_USERS]))
        except StoreError as error:
            self._say(str(error))
            return False
        self._opened_at = float("-inf")
        return True

    def _commit(self, database: Database) -> None:
        if not self._unwritten:
            return
        while not self._wrote_all(database):
            pass
        written, self._unwritten = self._unwritten, []
        self._written = self._now()
        for signal, taken in written:
            signal.written(taken)

    def _wrote_all(self, database: Database) -> bool:
        """Commit what waits. What its own signal can't write is left out, said, and the rest tried again."""
        broken = None
        try:
            with transaction(database):
                for one in self._unwritten:
                    broken = one
                    one[0].write(database, one[1])
        except (sqlite3.Error, OSError):
            raise
        except Exception:
            assert broken is not None
            _log.exception("some %s can't be kept, and are left out", broken[0].name)
            self._unwritten = [one for one in self._unwritten if one is not broken]
            return False
        return True

    def _tend(self, database: Database) -> None:
        now, failure = self._now(), None
        for signal in self.signals:  # first: rolling up needs room
            for family, partition in signal.expired(database, now):
                with transaction(database):
                    database.drop(family, partition)
        for signal in self.signals:
            try:
                signal.tend(database, now)
            except (sqlite3.Error, OSError) as error:
                failure = error
            except Exception:
                _log.exception("%s of the store can't be rolled up; it is tried again", signal.name)
        while self._make_room(database):
            pass
        # not `execute`, which does one step of it: a page
        database.connection.executescript(f"PRAGMA incremental_vacuum({_SLICE_PAGES})")
        self._size = shares.used_bytes(database.connection)
        if failure is not None:
            raise failure

    def _make_room(self, database: Database) -> bool:
        with transaction(database):
            found = shares.make_room(database, self.signals, self._most_bytes(), self._made_room.append)
        return found is not None

    def _do(self, work: Callable[[Database], Any]) -> Any:
        if not self._try_open() or self._database is None:
            raise StoreError(self._problem or f"{self.path} can't be opened")
        try:
            with transaction(self._database):
                return work(self._database)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} can't be written: {error}") from error

    def _fail(self, error: Exception) -> None:
        if is_broken(error):
            self._close_database()
            with contextlib.suppress(OSError):
                set_aside(self.path)
                self._say(
                    f"{self.path} is damaged ({error}): it is kept as {self.path.name}.broken-…, a new one begins"
                )
                return
        self._say(f"{self.path} can't be written: {error}; what comes waits, as far as it fits")

    def _say(self, problem: str) -> None:
        if self._problem is None:
            self._since = self._now()
            _log.error("the store: %s", problem)
        self._problem = problem

    def _works(self) -> None:
        if self._problem is not None:
            self._problem, self._since = None, self._now()
            _log.warning("the store %s is written again", self.path)

    def _close(self) -> None:
        self._close_database()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _close_database(self) -> None:
        if self._database is not None:
            database, self._database = self._database, None
            with contextlib.suppress(sqlite3.Error):
                database.connection.execute("PRAGMA optimize")
            database.connection.close()
