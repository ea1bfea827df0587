"""A security event, as every format is made of it: nothing of it is what anybody wrote, ids are keyed hashes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.pipeline.log_file import timestamp

TERMINAL: Final = "terminal"
"""Who did it, where it was done in a terminal of the machine."""
_HASH_DIGITS: Final = 16
_CONTROLS: Final = (range(0x20), range(0x7F, 0xA0), range(0x2028, 0x202F), range(0x2066, 0x206A))
_SPACES: Final = {code: " " for codes in _CONTROLS for code in codes}


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One event.

    Attributes:
        at: wall time in ns.
        kind: such as `admin.command`; of the bot's own code whatever that calls it.
        outcome: one of `semconv.SECURITY_OUTCOMES`.
        target: what it was about, such as a setting's name; "" where nothing says.
        user: who did it: a keyed hash, `terminal`, or an id where the operator lets ids leave; "" where nobody knows.
        trace_id, span_id: hex; "" where it was on no trace.
        service, instance: `service.name` and `service.instance.id` of the bot's process.
        host: where the bot runs; "" where nobody knows.
    """

    at: int
    kind: str
    outcome: str
    target: str = ""
    user: str = ""
    trace_id: str = ""
    span_id: str = ""
    service: str = ""
    instance: str = ""
    host: str = ""

    @property
    def uid(self) -> str:
        """The same of the same event, however often and whichever way it leaves: to find it twice by."""
        told = repr((self.at, self.instance, self.kind, self.outcome, self.target, self.user))
        return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=8).hexdigest()

    @property
    def user_hash(self) -> str:
        """The keyed hash of who did it; "" where that is no hash."""
        is_hash = len(self.user) == _HASH_DIGITS and not set(self.user) - set("0123456789abcdef")
        return self.user if is_hash else ""

    @property
    def text(self) -> str:
        """The event in a line."""
        about = f": {self.target}" if self.target else ""
        return f"{self.kind} {self.outcome}{about}"

    @property
    def time(self) -> str:
        """When, in UTC to the microsecond, as RFC 3339 writes it."""
        return timestamp(self.at)

    @property
    def milliseconds(self) -> int:
        """When, in ms since 1970."""
        return self.at // 1_000_000


def one_line(text: str) -> str:
    """A text without what would end a line, steer a terminal, turn the direction of what follows, or is no Unicode."""
    return text.translate(_SPACES).encode("utf-8", "replace").decode()
