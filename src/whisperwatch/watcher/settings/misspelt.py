"""Variables and keys that look like ours and aren't: most likely misspelt, and said so instead of ignored."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_OURS: Final = "WHISPERWATCH_"
_PREFIXES: Final = ("HEALTH_CHECK_", "PERFORMANCE_", "HEALTHCHECK_", "HEALTH_")
_NEAR: Final = 0.8

ELSEWHERE: Final = {
    "WHISPERWATCH_CONFIG": "The path of monitoring.yaml; else `monitoring.yaml` in the working directory, if there.",
    "WHISPERWATCH_STATE_DIR": "The state directory: the socket, the key of the id hashes, the restart count. "
    "Else `.whisperwatch` beside the bot's main script.",
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
            warnings.append(f"{name} is unknown and has no effect{_did_you_mean(nearest)}")
    return warnings


def keys(given: Iterable[str], known: Iterable[str]) -> list[str]:
    """A sentence for each key of monitoring.yaml that has no effect."""
    known = list(known)
    unknown = sorted(set(given) - set(known))
    nearest = {key: get_close_matches(key, known, 1, _NEAR) for key in unknown}
    return [
        f"{key} in monitoring.yaml has no effect in this version{_did_you_mean(nearest[key])}"
        for key in unknown
    ]


def _did_you_mean(nearest: list[str]) -> str:
    return f": did you mean {nearest[0]}?" if nearest else ""
