"""Who lived when: a process that could have counted, and didn't, counted 0.

Lives and what was born in them are kept as long as the points of their time, the series of nobody go with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.store.metrics.points import SLOT_S
from whisperwatch.watcher.store.partitions import Database

_GAP_S: Final = 60
"""A process of which nothing was heard for longer has two lives."""
_MOST_STARTS: Final = 16
"""Of so many processes the counts of one series are remembered: others have ended long since."""


@dataclass(slots=True)
class Life:
    """One of a process."""

    id: int
    began: int
    ended: int


class Lives:
    """Writes them; remembers what the file has, until `forget`."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """What is remembered may not be in the file."""
        self._lives: dict[tuple[str, int], Life] = {}
        self._born: set[tuple[int, int]] = set()

    def live(self, database: Database, who: tuple[str, int], slot: int) -> Life:
        """A process, by its instance and when it began (wall ns), lives in a slot."""
        known = self._lives.get(who) or _stored(database, who)
        if known is None or slot - known.ended > _GAP_S:
            known = _begin(database, who, slot, known)
        elif slot > known.ended:
            database.connection.execute("UPDATE lives SET ended = ? WHERE id = ?", (slot, known.id))
            known.ended = slot
        self._lives[who] = known
        return known

    def bear(self, database: Database, series: int, life: Life, slot: int) -> None:
        """A series was there in a life."""
        if (series, life.id) not in self._born:
            database.connection.execute(
                "INSERT OR IGNORE INTO births VALUES (?, ?, ?)", (series, life.id, slot)
            )
            self._born.add((series, life.id))


def _stored(database: Database, who: tuple[str, int]) -> Life | None:
    row = database.connection.execute(
        "SELECT id, began, ended FROM lives WHERE instance = ? AND start = ? ORDER BY ended DESC LIMIT 1",
        who,
    ).fetchone()
    return None if row is None else Life(*row)


def _begin(database: Database, who: tuple[str, int], slot: int, before: Life | None) -> Life:
    began = slot - SLOT_S
    made = database.connection.execute(
        "INSERT INTO lives (instance, start, began, ended) VALUES (?, ?, ?, ?)", (*who, began, slot)
    )
    found = Life(int(made.lastrowid or 0), began, slot)
    if before is not None:  # its series are all still there
        database.connection.execute(
            "INSERT OR IGNORE INTO births SELECT series, ?, ? FROM births WHERE life = ?",
            (found.id, began, before.id),
        )
    return found


def bury(database: Database, now: float, kept_s: float) -> bool:
    """Remove the lives that ended before what is kept, and the series that nobody has had since.

    Args:
        now: unix seconds.
        kept_s: how long points may still be there. (A series' number comes again: they must be gone.)

    Returns:
        whether anything that `Journal` remembers may be gone.
    """
    connection = database.connection
    _end_totals(database)
    old = "(SELECT id FROM lives WHERE ended < ?)"
    before = now - kept_s
    if connection.execute("SELECT 1 FROM lives WHERE ended < ?", (before,)).fetchone() is None:
        return False
    series = connection.execute(
        f"SELECT DISTINCT series FROM births WHERE life IN {old}", (before,)
    ).fetchall()
    connection.execute(f"DELETE FROM births WHERE life IN {old}", (before,))
    connection.execute("DELETE FROM lives WHERE ended < ?", (before,))
    for table, number in (("totals", "series"), ("series", "id")):
        connection.executemany(
            f"DELETE FROM {table} WHERE {number} = ? "
            f"AND NOT EXISTS (SELECT 1 FROM births WHERE births.series = {table}.{number})",
            series,
        )
    connection.execute("DELETE FROM metrics WHERE id NOT IN (SELECT metric FROM series)")
    return True


def _end_totals(database: Database) -> None:
    """What ended processes have counted: their values don't come again."""
    database.connection.execute(
        "DELETE FROM totals WHERE (series, start) IN (SELECT series, start FROM (SELECT series, start, row_number() "
        "OVER (PARTITION BY series ORDER BY start DESC) AS place FROM totals) WHERE place > ?)",
        (_MOST_STARTS,),
    )
