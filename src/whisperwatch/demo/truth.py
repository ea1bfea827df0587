"""What the synthetic users did and got, counted by themselves: one side of `--check`.

Nothing here comes from what was recorded. What the bot has to do with each thing is known beforehand, because its
commands, and their bugs, are: see `acts`.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field

_RECENT = 200


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did. `took` is seconds until the bot's answer, None where it gave none.

    `outcome` is what a command had to end with (one of `semconv.OUTCOMES`), "" where none was called.
    """

    who: str
    what: str
    outcome: str
    took: float | None
    at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Truth:
    """The users' own ledger."""

    commands: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Commands called, by name, kind and outcome, as `semconv` names them."""
    replies: Counter[str] = field(default_factory=Counter)
    """Messages and interactions that called a command or got a reply, by discord.py's event."""
    talks: dict[int, bool] = field(default_factory=dict)
    """Messages that were meant for the companion, by id, and whether it answered."""
    command_messages: dict[int, str] = field(default_factory=dict)
    """Messages that called a prefix command, by id: its name."""
    chatter: int = 0
    """Messages that were not meant for the bot."""
    unanswered: int = 0
    """Things that should have been answered, and weren't."""
    waiting: int = 0
    """Things under way."""
    deeds: int = 0
    recent: deque[Deed] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def command(self, name: str, kind: str, outcome: str, event: str) -> None:
        """A command was called and, as `outcome` says, had to end."""
        self.commands[name, kind, outcome] += 1
        self.replies[event] += 1

    def did(self, deed: Deed) -> None:
        """Something is over."""
        self.deeds += 1
        self.recent.append(deed)
