"""What a signal (metrics, logs, traces) is to the store: its tables, what it writes, how it ages."""

from __future__ import annotations

from typing import Any, Protocol

from whisperwatch.watcher.store.partitions import Database, Family, Partition


class Signal(Protocol):
    """One signal. `take` is called on the watcher's loop, all else on the store's thread.

    Attributes:
        name: `metrics`, `logs` or `traces`.
        share: of the store's size, from 0 to 1, which the other signals can't take from it.
        schema: statements that make its tables which are no partitions.
        families: its partitions.
    """

    name: str
    share: float
    schema: tuple[str, ...]
    families: tuple[Family, ...]

    def take(self) -> Any | None:
        """What came since the last call, or None. Bounded: what doesn't fit is dropped here, and counted."""

    def write(self, database: Database, taken: Any) -> None:
        """Write it, within a transaction. Called again with the same where that failed."""

    def written(self, taken: Any) -> None:
        """It is on the disk."""

    def tend(self, database: Database, now: float) -> None:
        """Roll up, thin out: in transactions of its own, each short. Called a few times a minute. `now`: unix s."""

    def expired(self, database: Database, now: float) -> list[tuple[Family, Partition]]:
        """The partitions that are older than the settings say, for the store to drop; asked before `tend`."""

    def oldest(self, database: Database) -> tuple[Family, Partition] | None:
        """What goes first where its share is used up; None where nothing can."""
