"""How many users were active in a day, a week, a month: counted exactly, in a small table of keyed hashes.

The bots tell with each beat whom they have answered. What is kept of a user is the hash of the id and the days (UTC); a
window is today and the days before it. Without a state directory, or where it can't be written, the table is in memory.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from whisperwatch.semconv import USERS_ACTIVE, WINDOW
from whisperwatch.watcher.fleet_users import FleetUsers
from whisperwatch.watcher.records import LocalStream

_log = logging.getLogger("whisperwatch.watcher")

WINDOWS: Final = {"day": 1, "week": 7, "month": 30}
"""Days of each window, today's among them."""
_MOST_WAITING: Final = 200_000
_DAY_S: Final = 86_400
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS active_users (day INTEGER NOT NULL, user TEXT NOT NULL, PRIMARY KEY (day, user)) "
    "WITHOUT ROWID"
)


class ActiveUsers:
    """Takes users in and counts them into `stream`; for the watcher's loop alone.

    Args:
        file: the table's; None keeps it in memory.
        hashed: the keyed hash of an id.
        stream: where `bot.users.active` goes.
        fleet: counts those of all machines together; where it can't, the table's count is given.
        now: unix seconds.
    """

    def __init__(
        self,
        file: Path | None,
        hashed: Callable[[int], str],
        stream: LocalStream,
        fleet: FleetUsers | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._fleet = fleet
        self._hashed, self._stream, self._now = hashed, stream, now
        self._waiting: set[int] = set()
        self._table = _open(file)

    def saw(self, users: Iterable[object]) -> None:
        """These users were answered."""
        for user in users:
            if isinstance(user, int) and len(self._waiting) < _MOST_WAITING:
                self._waiting.add(user)

    def collect(self) -> None:
        """Keep who was seen, forget who is out of every window, and count."""
        today = int(self._now() // _DAY_S)
        try:
            self._keep(today)
            self._count(today)
        except sqlite3.Error as error:
            _log.warning("active users are counted in memory from now on, for their table fails: %s", error)
            self._table.close()
            self._table = _open(None)

    async def run(self, interval_s: float) -> None:
        """Collect every `interval_s` seconds, until cancelled."""
        try:
            while True:
                self.collect()
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
        for window, users in (counts or {}).items():
            self._stream.set(USERS_ACTIVE, users, {WINDOW: window})

    def close(self) -> None:
        """Keep who was seen since."""
        self.collect()
        self._table.close()

    def _keep(self, today: int) -> None:
        rows = [(today, self._hashed(user)) for user in self._waiting]
        if self._fleet is not None:
            self._fleet.saw(today, (user for _, user in rows))
        with self._table:
            self._table.executemany("INSERT OR IGNORE INTO active_users VALUES (?, ?)", rows)
            self._table.execute("DELETE FROM active_users WHERE day <= ?", (today - max(WINDOWS.values()),))
        self._waiting.clear()

    def _count(self, today: int) -> None:
        for window, days in WINDOWS.items():
            (users,) = self._table.execute(
                "SELECT COUNT(DISTINCT user) FROM active_users WHERE day > ? AND day <= ?",
                (today - days, today),
            ).fetchone()
            self._stream.set(USERS_ACTIVE, users, {WINDOW: window})


def _open(file: Path | None) -> sqlite3.Connection:
    try:
        if file is not None:
            os.close(os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        table = sqlite3.connect(file or ":memory:", timeout=1.0, check_same_thread=False)
        table.execute("PRAGMA journal_mode=WAL")
        table.execute("PRAGMA synchronous=NORMAL")
        table.execute(_SCHEMA)
    except (sqlite3.Error, OSError) as error:
        if file is None:
            raise
        _log.warning("active users are counted in memory, for %s can't be used: %s", file, error)
        return _open(None)
    return table
