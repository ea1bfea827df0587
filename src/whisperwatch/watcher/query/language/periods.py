"""Over which time a question is asked, and at which times it is answered. Seconds of unix time throughout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Period:
    """What a question says of time.

    Attributes:
        over_s: how far back it looks.
        until: where it ends; None is now.
        every_s: the distance of its points; None gives one point, over all of it.
        window_s: what each point looks back over, `every_s` unless said.
    """

    over_s: float
    until: float | None = None
    every_s: float | None = None
    window_s: float | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """The times at which measures are evaluated: `first`, `first + step`, … `last`, each over (T - window, T].

    All whole seconds, `step` > 0. Of one point, `first` is `last`.
    """

    first: int
    last: int
    step: int
    window: int

    @property
    def start(self) -> int:
        """What comes at or before it is in no window."""
        return self.first - self.window

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1, self.step))

    def __len__(self) -> int:
        return (self.last - self.first) // self.step + 1

    def moved(self, by_s: int) -> Grid:
        """The same, later by so much."""
        return Grid(self.first + by_s, self.last + by_s, self.step, self.window)
