"""How often one user may ask: a handful at once, then one every few seconds. And how often a refusal is recorded."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

AT_ONCE: Final = 8
"""Questions that one user may ask in a row."""
EVERY_S: Final = 3.0
"""Then one in so many seconds."""
_MOST_USERS: Final = 1_000


class Pace:
    """A bucket of tokens for each user; who hasn't been seen for long is forgotten.

    Args:
        at_once: tokens of a full bucket.
        every_s: seconds for a token.
    """

    def __init__(self, at_once: int = AT_ONCE, every_s: float = EVERY_S) -> None:
        self._at_once, self._every_s = at_once, every_s
        self._until: OrderedDict[int, float] = OrderedDict()
        """By user, when the bucket will be full again (monotonic seconds)."""

    def wait_s(self, user: int) -> float:
        """Take a token: 0.0; or how many seconds there is none."""
        now = time.monotonic()
        until = max(now, self._until.get(user, now)) + self._every_s
        wait_s = until - now - self._at_once * self._every_s
        if wait_s > 0:
            return wait_s
        self._until[user] = until
        self._until.move_to_end(user)
        while len(self._until) > _MOST_USERS:
            self._until.popitem(last=False)
        return 0.0
