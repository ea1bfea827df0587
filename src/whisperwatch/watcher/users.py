"""How many users were active in a day, a week, a month, and how many came back: counted exactly, by a table of keyed
hashes in the store.

The bots tell with each beat whom they have answered. What is kept of a user is the hash of the id and the days (UTC); a
window is today and the days before it. Where nothing is kept, or the store can't be written, those that were seen
meanwhile are counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from whisperwatch.semconv import USERS_ACTIVE, USERS_BEFORE, USERS_RETURNED, WINDOW
from whisperwatch.watcher.fleet_users import FleetUsers
from whisperwatch.watcher.records import LocalStream
from whisperwatch.watcher.store import active_users
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.store import Store
from whisperwatch.watcher.user_counts import WINDOWS, UserCounts, compared, of_days

_log = logging.getLogger("whisperwatch.watcher")

_MOST_WAITING: Final = 200_000
_DAY_S: Final = 86_400


class ActiveUsers:
    """Takes users in and counts them into `stream`; for the watcher's loop alone.

    Args:
        store: where their table is; None counts those whom this watcher has seen.
        hashed: the keyed hash of an id.
        stream: where `bot.users.*` goes.
        fleet: counts those of all machines together; where it can't, the table's count is given.
        now: unix seconds.
        older: the file in which an older watcher kept them; it is taken over, and removed.
    """

    def __init__(
        self,
        store: Store | None,
        hashed: Callable[[int], str],
        stream: LocalStream,
        fleet: FleetUsers | None = None,
        now: Callable[[], float] = time.time,
        older: Path | None = None,
    ) -> None:
        self._store, self._fleet = store, fleet
        self._hashed, self._stream, self._now = hashed, stream, now
        self._waiting: set[int] = set()
        self._unkept: dict[int, set[str]] = {}
        """By day, who is not in the table yet."""
        self._older = older

    def saw(self, users: Iterable[object]) -> None:
        """These users were answered."""
        for user in users:
            if isinstance(user, int) and len(self._waiting) < _MOST_WAITING:
                self._waiting.add(user)

    async def collect(self) -> None:
        """Keep who was seen, forget who is out of every window, and count."""
        today = int(self._now() // _DAY_S)
        self._hash(today)
        self._show(await self._counted(today))

    async def run(self, interval_s: float) -> None:
        """Collect every `interval_s` seconds, until cancelled."""
        try:
            while True:
                await self.collect()
                await self.share()
                await asyncio.sleep(interval_s)
        finally:
            if self._fleet is not None:
                await self._fleet.close()

    async def share(self) -> None:
        """Count those of the fleet, where there is one."""
        if self._fleet is None:
            return
        counts = await self._fleet.count(int(self._now() // _DAY_S))
        if counts is not None:
            self._show(counts)

    def _show(self, counts: UserCounts) -> None:
        for metric, users in (
            (USERS_ACTIVE, counts.active), (USERS_BEFORE, counts.before), (USERS_RETURNED, counts.returned),
        ):  # fmt: skip
            for window, number in users.items():
                self._stream.set(metric, number, {WINDOW: window})

    def _hash(self, today: int) -> None:
        seen = {self._hashed(user) for user in self._waiting}
        self._waiting.clear()
        if self._fleet is not None:
            self._fleet.saw(today, seen)
        oldest = _oldest(today)
        for day in [day for day in self._unkept if day < oldest]:
            del self._unkept[day]
        self._unkept.setdefault(today, set()).update(seen)

    async def _counted(self, today: int) -> UserCounts:
        if self._store is None:
            return of_days(self._unkept, today)
        self._take_over()
        keeping = {day: frozenset(users) for day, users in self._unkept.items()}
        try:
            counts: UserCounts = await self._store.do(lambda database: _kept(database, keeping, today))
        except StoreError:  # the store has said so itself
            return of_days(self._unkept, today)
        for day, users in keeping.items():
            self._unkept[day] -= users
        self._forget_older()
        return counts

    def _take_over(self) -> None:
        if self._older is not None and self._older.exists():
            for day, users in active_users.of_file(self._older).items():
                self._unkept.setdefault(day, set()).update(users)

    def _forget_older(self) -> None:
        if self._older is None:
            return
        older, self._older = self._older, None
        for ending in ("", "-wal", "-shm"):
            try:
                older.with_name(older.name + ending).unlink(missing_ok=True)
            except OSError as error:
                _log.warning("%s is in the store now, and can't be removed: %s", older, error.strerror)


def _kept(database: Database, seen: dict[int, frozenset[str]], today: int) -> UserCounts:
    active_users.keep(database, seen, _oldest(today))
    active = {window: active_users.count(database, today, days) for window, days in WINDOWS.items()}
    pairs = {
        window: active_users.returned(database, first, second) for window, first, second in compared(today)
    }
    before = {window: there for window, (there, _) in pairs.items()}
    return UserCounts(active, before, {window: back for window, (_, back) in pairs.items()})


def _oldest(today: int) -> int:
    return today - max(WINDOWS.values()) + 1
