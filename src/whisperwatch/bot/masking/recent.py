"""What users wrote last, for texts that are recorded outside of any event's work: in a thread of the bot's own, in a
task that works off a queue. Which message such work is about nobody can tell.

So that a bot's own words don't vanish from its log there, only what is unlikely to be said by chance is looked for: no
names, no single short words.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakSet

from whisperwatch.bot.masking.needles import has_escapes, words_in
from whisperwatch.bot.masking.said import Said, is_in_a_row
from whisperwatch.bot.masking.subject import words_of

_MOST: Final = 64


class _Seen:
    """What these subjects say."""

    __slots__ = ("_words", "said", "subjects")

    def __init__(self, subjects: tuple[Any, ...], known: dict[int, Said]) -> None:
        self.subjects = subjects
        self.said = {id(one): known.get(id(one)) or Said(words_of(one), in_part=True) for one in subjects}
        """By the identity of who says it."""
        self._words: dict[bool, set[str]] = {}

    def words(self, escaped: bool) -> set[str]:
        """All their words, as `Said.words`."""
        known = self._words.get(escaped)
        if known is None:
            every = [said.words(escaped) for said in self.said.values()]
            known = self._words[escaped] = set[str]().union(*every)
        return known


class Recent:
    """What the newest events of one bot were about that users wrote something in. Thread-safe."""

    __slots__ = ("__weakref__", "_seen", "subjects")

    def __init__(self) -> None:
        self.subjects: deque[Any] = deque(maxlen=_MOST)
        """For who dispatches them: one `append`."""
        self._seen = _Seen((), {})
        _of_bots.add(self)

    def mask(self, text: str, words: Sequence[str]) -> str:
        """The text, in which there are these words, with `MASKED` for what repeats."""
        if not self.subjects:
            return text
        seen, subjects = self._seen, tuple(self.subjects)
        if subjects != seen.subjects:
            seen = self._seen = _Seen(subjects, seen.said)
        shared = seen.words(has_escapes(text)).intersection(words)
        if is_in_a_row(words, shared):
            for said in seen.said.values():
                masked = said.mask(text, words)
                if masked is not text:
                    text, words = masked, words_in(masked)
        return text


_of_bots: WeakSet[Recent] = WeakSet()


def recently() -> list[Recent]:
    """What was said last to the bots of this process."""
    return list(_of_bots)
