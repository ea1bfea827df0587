"""Variables and keys that look like ours and aren't: most likely misspelt, and said so instead of ignored."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from whisperwatch.watcher.redaction.pairs import is_secret_key

from .origin import Given
from .reading import Problem, masked

_OURS: Final = "WHISPERWATCH_"
_PREFIXES: Final = (
    "HEALTH_CHECK_",
    "PERFORMANCE_",
    "HEALTHCHECK_",
    "HEALTH_",
    "ERROR_",
    "ALERT_",
    "ALERTS_",
    "ALERTING_",
    "DASHBOARD_",
    "ENABLE_WEB_",
    "ENABLE_DASHBOARD",
    "ADMIN_",
    "MONITORING_",
    "SIEM_SYSLOG_",
)
_NEAR: Final = 0.8

ELSEWHERE: Final = {
    "MONITORING_CONFIG": "The path of monitoring.yaml; else `monitoring.yaml` beside the bot's main script, else in "
    "the working directory, if there.",
    "WHISPERWATCH_CONFIG": "The same, where `MONITORING_CONFIG` is not set.",
    "ALERTS_CONFIG": "The path of alerts.yaml, which is looked for in the same places.",
    "WHISPERWATCH_STATE_DIR": "The state directory: the socket, the key of the id hashes, the restart count, what was "
    "set at run time. Else `.whisperwatch` beside the bot's main script.",
}
"""Variables that are read before settings are, with what they do."""


def variables(set_ones: Iterable[str], known: Iterable[str]) -> list[str]:
    """A sentence for each variable that nothing knows: any of `WHISPERWATCH_`, and near ones of the guide's."""
    known = [*known, *ELSEWHERE]
    warnings = []
    for name in sorted(set(set_ones) - set(known)):
        if name.startswith(_OURS):  # what all of ours share says nothing about which one was meant
            ours = [one.removeprefix(_OURS) for one in known if one.startswith(_OURS)]
            nearest = [_OURS + near for near in get_close_matches(name.removeprefix(_OURS), ours, 1)]
        else:
            nearest = get_close_matches(name, known, 1, _NEAR) if name.startswith(_PREFIXES) else []
        if nearest or name.startswith(_OURS):
            warnings.append(f"{name} is unknown and has no effect{did_you_mean(nearest)}")
    return warnings


def key(name: str, given: Given, known: Iterable[str]) -> Problem:
    """What is wrong with a key that nothing knows."""
    known = list(known)
    below = sorted(
        {one.removeprefix(f"{name}.").partition(".")[0] for one in known if one.startswith(f"{name}.")}
    )
    if below:
        wrong, right = "is no section", f"a section with the keys {', '.join(below)}"
    else:
        wrong, right = "is unknown", _right_key(name, known)
    shown = "(not shown)" if is_secret_key(name.rpartition(".")[2]) else masked(str(given.value))
    return Problem(name, shown, wrong, right, given.place)


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The one that was most likely meant; none where nothing is near."""
    return get_close_matches(name, list(known), 1, _NEAR)


def did_you_mean(near: list[str]) -> str:
    return f": did you mean {near[0]}?" if near else ""


def _right_key(name: str, known: list[str]) -> str:
    if near := nearest(name, known):
        return f"{near[0]} (did you mean that?)"
    section = name.rpartition(".")[0]
    while section and not any(one.startswith(f"{section}.") for one in known):
        section = section.rpartition(".")[0]
    if not section:
        return "below monitoring: or alerts:"
    keys = sorted(
        {one.removeprefix(f"{section}.").partition(".")[0] for one in known if one.startswith(f"{section}.")}
    )
    return f"one of {section}'s keys: {', '.join(keys)}"
