"""What is judged by figures neither flaps nor hides: worse shows at once, as a suspicion; better has to last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from .report import Part, Status

WORSE_S: Final = 30.0
"""Figures have to be bad for so long before they are called unhealthy; until then they are degraded."""
BETTER_S: Final = 30.0
"""And good for so long before they are called so again."""
_STATUSES: Final[tuple[Status, ...]] = ("healthy", "degraded", "unhealthy")
_LEVELS: Final = {status: level for level, status in enumerate(_STATUSES)}


@dataclass(slots=True)
class _Memory:
    level: int = 0
    """How bad it is shown to be."""
    bad_since: float | None = None
    better_since: float | None = None
    """Since when it is, without a break, better than it is shown."""


class Steady:
    """Remembers how parts were, by name. Times are seconds of any clock that doesn't go back."""

    def __init__(self) -> None:
        self._known: dict[str, _Memory] = {}

    def __call__(self, part: Part, now: float) -> Part:
        """How to show what was found now."""
        level = _LEVELS.get(part.status)
        if level is None:
            self._known.pop(part.name, None)
            return part
        memory = self._known.setdefault(part.name, _Memory())
        _follow(memory, level, now)
        shown = _STATUSES[memory.level]
        if level > memory.level:
            return replace(part, status=shown, text=f"suspect: {part.text}")
        if level < memory.level:
            lasted_s = now - (memory.better_since or now)
            return replace(part, status=shown, text=f"{part.text} (again, for {lasted_s:.0f} s so far)")
        return part

    def keep(self, names: Iterable[str]) -> None:
        """Forget all parts but these."""
        for name in self._known.keys() - set(names):
            del self._known[name]


def _follow(memory: _Memory, level: int, now: float) -> None:
    if level < len(_STATUSES) - 1:
        memory.bad_since = None
    elif memory.bad_since is None:
        memory.bad_since = now
    if level > memory.level:
        lasted = memory.bad_since is None or now - memory.bad_since >= WORSE_S
        memory.level = level if lasted else 1
    if level >= memory.level:
        memory.better_since = None
    elif memory.better_since is None:
        memory.better_since = now
    elif now - memory.better_since >= BETTER_S:
        memory.level, memory.better_since = level, None
