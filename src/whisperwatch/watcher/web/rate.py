"""How much may be asked: a bucket of tokens for each who asks, the oldest forgotten where there are many."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST: Final = 1_000


class Rate:
    """So many at once, and then one each `every_s` seconds.

    Args:
        at_once: tokens of a full bucket.
        every_s: seconds for a token.
        now: the time, in seconds of a clock that doesn't go back.
    """

    def __init__(self, at_once: int, every_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._room_s, self._every_s, self._now = at_once * every_s, every_s, now
        self._full: OrderedDict[str, float] = OrderedDict()
        """When each bucket is full again."""

    def wait_s(self, who: str, cost: int = 1) -> float:
        """Seconds until there is a token for them; 0.0 if there is one, of which `cost` are taken (0: none)."""
        now = self._now()
        full = max(now, self._full.get(who, now))
        wait_s = full + self._every_s - now - self._room_s
        if wait_s > 0:
            return wait_s
        if cost:
            self._full[who] = full + cost * self._every_s
            self._full.move_to_end(who)
            if len(self._full) > _MOST:
                self._full.popitem(last=False)
        return 0.0
