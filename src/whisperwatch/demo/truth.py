"""What the synthetic users did, counted by themselves: one side of `--check`.

Nothing here comes from what was recorded. What the bot has to make of each thing is known beforehand, because its
commands, and their bugs, are: see `visitor`.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field

_RECENT = 200


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did.

    `outcome` is what a command had to end with (one of `semconv.OUTCOMES`), "" where none was called. `took` is
    seconds until the bot's answer, None where it gave none.
    """

    who: str
    what: str
    outcome: str
    took: float | None


@dataclass(slots=True)
class Truth:
    """The users' own ledger."""

    commands: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Commands called, by name, kind and outcome, as `semconv` names them."""
    command_messages: dict[int, str] = field(default_factory=dict)
    """Messages that called a prefix command, by id: its name."""
    talks: set[int] = field(default_factory=set)
    """Messages that were meant for the companion, by id. The loopback Discord knows which got a reply."""
    interactions: int = 0
    """Interactions: each calls a command, a component, a modal or an autocompletion."""
    reactions: Counter[str] = field(default_factory=Counter)
    """Reactions to what the bot said, `positive` and `negative`."""
    unanswered: int = 0
    """Things that should have been answered in time, and weren't."""
    deeds: int = 0
    """Things done and over."""
    recent: deque[Deed] = field(default_factory=lambda: deque(maxlen=_RECENT))
    last_at: float = field(default_factory=time.monotonic)

    def did(self, deed: Deed) -> None:
        """Something is over."""
        self.deeds += 1
        self.last_at = time.monotonic()
        self.recent.append(deed)
