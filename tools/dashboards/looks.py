"""How values look: units, thresholds, what they are called, which colour a series has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as grafana

from tools.dashboards.colours import BAD, COLOURS, GOOD, WARNING
from tools.dashboards.panels import Panel, State
from whisperwatch import semconv
from whisperwatch.watcher.naming import label_name
from whisperwatch.watcher.query.language.logs import LEVELS

Override = tuple[str, list[grafana.DynamicConfigValue]]
_VALUES: Final = {label_name(one.key): one.values for one in semconv.ATTRIBUTES}
_UNKNOWN: Final = grafana.SpecialValueMap(
    grafana.DashboardSpecialValueMapOptions(
        match=grafana.SpecialValueMatch.NULL_AND_NAN,
        result=grafana.ValueMappingResult(text="not known", index=9),
    )
)
"""A mean of nothing, which Prometheus calls NaN: not known, and not 0."""
NOTHING: Final = "nothing recorded"


def thresholds(panel: Panel) -> build.ThresholdsConfig:
    """Green, yellow, red; without limits, green."""
    steps = [grafana.Threshold(None, GOOD)]
    if panel.limits is not None:
        warning, bad = panel.limits
        if warning <= bad:
            steps += [grafana.Threshold(warning, WARNING), grafana.Threshold(bad, BAD)]
        else:  # less is worse
            steps = [
                grafana.Threshold(None, BAD),
                grafana.Threshold(bad, WARNING),
                grafana.Threshold(warning, GOOD),
            ]
    return build.ThresholdsConfig().mode(grafana.ThresholdsMode.ABSOLUTE).steps(steps)


def mappings(states: Mapping[float, State] | None) -> list[grafana.ValueMapping]:
    """What values are called."""
    named = {
        f"{value:g}": grafana.ValueMappingResult(text=state.name, color=state.colour, index=index)
        for index, (value, state) in enumerate((states or {}).items())
    }
    return [grafana.ValueMap(named), _UNKNOWN] if named else [_UNKNOWN]


def colours(name: str, labels: tuple[str, ...]) -> Iterator[Override]:
    """The colours of one query's series, where their names are known beforehand."""
    if name in COLOURS and not labels:
        yield name, [fixed(COLOURS[name])]
    if not name and len(labels) == 1:
        for value in _VALUES.get(labels[0], ()):
            if value in COLOURS:
                yield value, [fixed(COLOURS[value])]
    if labels == ("severity_number",):
        for level, number in LEVELS.items():
            colour = {"debug": "text", "info": "blue", "warning": "yellow", "error": "red"}.get(
                level, "dark-red"
            )
            yield str(number), [grafana.DynamicConfigValue("displayName", level), fixed(colour)]


def fixed(colour: str) -> grafana.DynamicConfigValue:
    """A property: one colour."""
    return grafana.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def column(unit: str, decimals: int | None) -> list[grafana.DynamicConfigValue]:
    """The properties of a table's column of figures."""
    properties = [grafana.DynamicConfigValue("unit", unit)]
    return properties if decimals is None else [*properties, grafana.DynamicConfigValue("decimals", decimals)]
