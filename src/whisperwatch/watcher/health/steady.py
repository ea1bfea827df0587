"""What is judged by figures neither flaps nor hides: worse shows at once, as a suspicion; better has to last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from .report import Part

WORSE_S: Final = 30.0
"""Figures have to be bad for so long before they are called unhealthy; until then they are degraded."""
BETTER_S: Final = 30.0
"""And good for so long before they are called so again."""
_RANK: Final = {"healthy": 0, "degraded": 1, "unhealthy": 2}


class Steady:
    """Remembers how parts were, by name. Times are seconds of any clock that doesn't go back."""

    def __init__(self) -> None:
        self._shown: dict[str, Part] = {}
        self._since: dict[str, float] = {}
        """Since when a part is, without a break, unhealthy, or better than what is shown."""

    def __call__(self, part: Part, now: float) -> Part:
        """How to show what was found now."""
        shown = self._judge(part, self._shown.get(part.name), now)
        self._shown[part.name] = shown
        return shown

    def keep(self, names: Iterable[str]) -> None:
        """Forget all parts but these."""
        for name in self._shown.keys() - set(names):
            del self._shown[name]
            self._since.pop(name, None)

    def _judge(self, found: Part, before: Part | None, now: float) -> Part:
        if found.status not in _RANK:
            self._since.pop(found.name, None)
            return found
        was = _RANK.get(before.status, 0) if before is not None else 0
        is_now = _RANK[found.status]
        if is_now == was and is_now < 2:
            self._since.pop(found.name, None)
            return found
        lasted_s = now - self._since.setdefault(found.name, now)
        if is_now == 2:
            if was == 2 or lasted_s >= WORSE_S:
                return found
            return replace(found, status="degraded", text=f"suspect: {found.text}")
        if is_now > was:
            self._since.pop(found.name, None)
            return found
        if lasted_s >= BETTER_S:
            self._since.pop(found.name, None)
            return found
        assert before is not None
        return replace(found, status=before.status, text=f"{found.text} (again, for {lasted_s:.0f} s so far)")
