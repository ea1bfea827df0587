"""Ids never leave as they are: the one place where they become keyed hashes.

Everything that is exported goes through `attributes.KeyValues`, which asks here for the attributes that
`semconv.HASHED_ATTRIBUTES` names. The key is of this state directory, so that the same user has the same hash on
every day, and another one at the neighbour's.
"""

from __future__ import annotations

from whisperwatch.state import hash_id


class Redaction:
    """Turns ids into what may leave.

    Args:
        key: the key of the hashes (`StateDirectory.key()`).
        expose_ids: the operator opted in (`WHISPERWATCH_EXPOSE_IDS`): ids leave as decimal strings.
    """

    def __init__(self, key: bytes, expose_ids: bool = False) -> None:
        self._key = key
        self._expose = expose_ids

    def __call__(self, value: object) -> str:
        """An id (int or str) as it may leave."""
        return str(value) if self._expose else hash_id(self._key, value)
