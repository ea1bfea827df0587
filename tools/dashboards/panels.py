"""What a dashboard is made of: boards of rows of panels. Nothing of Grafana's is in here but the names of its units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["stat", "lines", "bars", "states", "table", "logs", "traces", "alerts"]
WIDTH: Final = 24
"""Columns of Grafana's grid."""
OURS: Final = 'job=~"$service", instance=~"$instance"'
"""The matchers of the chosen bot's series in Prometheus."""
WINDOW: Final = "$__rate_interval"
"""What Grafana makes of the distance of a panel's points, wide enough for a rate."""
BAR: Final = "$__interval"
"""That distance itself: what was counted is in one bar, and in no other."""
LEAST_BAR: Final = "2m"
"""Bars are no narrower, for two exports have to be in one."""


@dataclass(frozen=True, slots=True)
class PromQL:
    """What our own language can't say. `by`: the labels that tell its series apart."""

    text: str
    by: tuple[str, ...] = ()


Ask = str | PromQL


@dataclass(frozen=True, slots=True)
class State:
    """What a value is called, and its colour."""

    name: str
    colour: str


HEALTH: Final[Mapping[float, State]] = {
    1.0: State("healthy", "green"),
    0.5: State("degraded", "yellow"),
    0.0: State("unhealthy", "red"),
}
UP: Final[Mapping[float, State]] = {1.0: State("up", "green"), 0.0: State("down", "red")}


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: what it is of; the same word as in Discord's answers.
        ask: a question of our language, or several by their names in the legend (of a table: its columns).
        good: what it shows, and what good looks like, for who reads it at night.
        kind: `stat` numbers of the whole time or, of gauges, of now; `lines` and stacked `bars` over time; `states`
            over time; a `table` of the whole time; `logs`, `traces` and `alerts` themselves.
        limits: from where on it is yellow, and red; where the second is the lower, less is worse.
        unit: Grafana's, where it doesn't follow from the metric's (`units`).
        states: what values mean.
        width: columns; those without share what is left of their row.
    """

    title: str
    ask: Ask | Mapping[str, Ask]
    good: str
    kind: Kind = "lines"
    limits: tuple[float, float] | None = None
    unit: str | None = None
    states: Mapping[float, State] | None = None
    width: int | None = None

    @property
    def asked(self) -> Mapping[str, Ask]:
        """The questions by their names; one that stands alone has none."""
        return self.ask if isinstance(self.ask, Mapping) else {"": self.ask}


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard.

    Attributes:
        name: of its file, and the end of its uid.
        about: what it is for, in a sentence.
        rows: the most important first.
        narrowed: what else than by service and instance it can be narrowed by.
        fleet: it is of several services at once.
    """

    name: str
    title: str
    about: str
    rows: tuple[tuple[Panel, ...], ...]
    narrowed: tuple[Literal["shard", "component"], ...] = ()
    fleet: bool = False

    @property
    def uid(self) -> str:
        """What its address has."""
        return f"whisperwatch-{self.name}"

    def placed(self) -> Iterator[tuple[Panel, int]]:
        """The panels, each with its width.

        Raises:
            ValueError: a row is not as wide as the grid.
        """
        for row in self.rows:
            left = WIDTH - sum(panel.width or 0 for panel in row)
            share = sum(panel.width is None for panel in row)
            if left % share if share else left:
                raise ValueError(f"{self.name}: the row of {row[0].title!r} is not {WIDTH} columns wide")
            for panel in row:
                yield panel, panel.width or left // share
