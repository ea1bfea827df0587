"""What is counted of active users: how many there were, and how many of them came back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Final

WINDOWS: Final = {"day": 1, "week": 7, "month": 30}
"""Days of each window, today's among them."""
COMPARED: Final = {"day": 1, "week": 7}
"""Windows of which two are compared. They are complete: of a day that is not over yet, some come later."""


@dataclass(frozen=True, slots=True)
class UserCounts:
    """By window. `before`: in the complete window before the last complete one; `returned`: those of them who were
    there in that, too."""

    active: Mapping[str, int]
    before: Mapping[str, int]
    returned: Mapping[str, int]


def compared(today: int) -> Iterator[tuple[str, range, range]]:
    """A window's name, the days (since 1970, UTC) of the one before the last complete one, and of that."""
    for window, days in COMPARED.items():
        yield window, range(today - 2 * days, today - days), range(today - days, today)


def of_days(users: Mapping[int, Set[str]], today: int) -> UserCounts:
    """By who was there on each day."""

    def seen(days: range) -> Set[str]:
        return set().union(*(users.get(day, ()) for day in days))

    active = {window: len(seen(range(today - days + 1, today + 1))) for window, days in WINDOWS.items()}
    before, returned = {}, {}
    for window, first, second in compared(today):
        before[window] = len(seen(first))
        returned[window] = len(seen(first) & seen(second))
    return UserCounts(active, before, returned)
