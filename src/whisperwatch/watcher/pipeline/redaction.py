"""What may leave of an attribute: ids as keyed hashes, all else as the redactor lets it.

Everything that is exported goes through `attributes.KeyValues`, which asks here for the attributes that
`semconv.HASHED_ATTRIBUTES` names, and the redactor for the others. The key is of this state directory, or given, so
that the same user has the same hash on every day, and another one at the neighbour's.
"""

from __future__ import annotations

import hashlib
from binascii import hexlify

from whisperwatch.watcher.redaction import Redactor

DIGITS = 16
"""The length of a hash as it leaves."""


class Redaction:
    """Turns ids into what may leave; `redactor` does so for everything else.

    Args:
        key: the key of the hashes (`StateDirectory.key()`).
        expose_ids: the operator opted in (`WHISPERWATCH_EXPOSE_IDS`): ids leave as decimal strings.
        redactor: takes secrets out; by default one that knows none of the bot's own.
    """

    def __init__(self, key: bytes, expose_ids: bool = False, redactor: Redactor | None = None) -> None:
        self.exposes = expose_ids
        self.redactor = redactor or Redactor()
        # what `state.hash_id` computes, begun once: copied it costs a third
        self._begun = hashlib.blake2b(key=key, digest_size=DIGITS // 2).copy

    def __call__(self, value: object) -> str:
        """An id (int or str) as it may leave."""
        text = str(value)
        return text if self.exposes else self.hash(text.encode()).decode()

    def hash(self, text: bytes) -> bytes:
        """The hash of an id's text, `DIGITS` long."""
        hashed = self._begun()
        hashed.update(text)
        return hexlify(hashed.digest())
