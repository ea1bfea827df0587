"""The series that a measure is about, in their groups."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from whisperwatch.watcher.query.language import Match, Measure
from whisperwatch.watcher.store.partitions import View

INSTANCE: Final = "service.instance.id"


@dataclass(slots=True)
class Group:
    """Series that are answered together. `bounds`: by series, of histograms."""

    values: tuple[str, ...]
    series: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Selection:
    """All groups; `bounds` by series, of histograms."""

    groups: list[Group]
    bounds: dict[int, tuple[float, ...]]

    @property
    def chosen(self) -> str:
        """(series, group's number) as a table for SQL; both are numbers of ours."""
        rows = ",".join(f"({series},{at})" for at, one in enumerate(self.groups) for series in one.series)
        return f"chosen(series, grp) AS (VALUES {rows})"


def select(view: View, measure: Measure) -> Selection:
    """The series of the measure's metric that match."""
    rows = view.connection.execute(
        "SELECT series.id, instance, attributes, bounds FROM series JOIN metrics ON metrics.id = metric WHERE name = ?",
        (measure.metric,),
    )
    groups: dict[tuple[str, ...], Group] = {}
    bounds: dict[int, tuple[float, ...]] = {}
    known: dict[str, tuple[float, ...]] = {}
    for series, instance, attributes, told in rows:
        found: dict[str, str] = json.loads(attributes)
        found[INSTANCE] = instance
        if all(_fits(match, found) for match in measure.where):
            values = tuple([found.get(key, "") for key in measure.by])
            group = groups.get(values)
            if group is None:
                group = groups[values] = Group(values)
            group.series.append(series)
            if told not in known:
                known[told] = tuple(json.loads(told))
            bounds[series] = known[told]
    return Selection(list(groups.values()), bounds)


def _fits(match: Match, attributes: Mapping[str, str]) -> bool:
    return (attributes.get(match.attribute, "") in match.values) is not match.negated
