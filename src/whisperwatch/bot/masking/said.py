"""What people wrote, or a model was told: most of it is never repeated, so little is done until it may have been.

What `Needles` masks in a text is made of words that both have, in a row. As long as too few of those are there, no
needles are needed, and making them of a message takes longer than all else about its first log record. How else a text
may be written is looked at where a text has escapes at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from whisperwatch.bot.masking.needles import (
    LONG,
    WORDS,
    Needles,
    forms,
    has_escapes,
    is_quoting,
    read,
    words_in,
)


class Said:
    """Masks as `Needles(texts)` does, or those that are only looked for `in_part`."""

    __slots__ = ("_alone", "_in_part", "_needles", "_signs", "_words", "texts")

    def __init__(self, texts: Sequence[str], *, in_part: bool = False) -> None:
        self.texts = texts
        self._in_part = in_part
        self._needles: dict[bool, Needles] = {}
        """For texts with escapes, and for those without."""
        self._words: dict[bool, set[str]] = {}
        """The same."""
        self._alone: set[str] = set()
        """Those of texts so short that they are masked as a whole, however few their words are."""
        self._signs = False
        """Whether one of them is masked though it has no words."""

    def mask(self, text: str, words: Sequence[str]) -> str:
        """The text, in which there are these words, with `MASKED` for what repeats."""
        escaped = has_escapes(text)
        known = self._words.get(escaped)  # as `words` does; this comes several times in each log record
        shared = (self.words(escaped) if known is None else known).intersection(words)
        if self._signs or (shared and self._may_be_in(text, words, shared)):
            needles = self._needles.get(escaped)
            if needles is None:
                needles = Needles(self.texts, escaped=escaped, in_part=self._in_part)
                self._needles[escaped] = needles
            return needles.mask(text, words)
        return text

    def words(self, escaped: bool) -> set[str]:
        """The words in them, as they are written in texts that have escapes, too, where it is `escaped`."""
        known = self._words.get(escaped)
        if known is None:
            known = self._words[escaped] = self._read(escaped)
        return known

    def _read(self, escaped: bool) -> set[str]:
        words: set[str] = set()
        for text in self.texts:
            said, _, whole = read(text)
            for form in forms(said, escaped):
                words.update(words_in(form))
            if whole and not self._in_part:
                alone = words_in(whole)
                self._signs = self._signs or not alone
                if len(alone) <= WORDS:
                    self._alone.update(alone)
        return words

    def _may_be_in(self, text: str, words: Sequence[str], shared: set[str]) -> bool:
        if not self._in_part and (is_quoting(text, words) or not self._alone.isdisjoint(shared)):
            return True
        return is_in_a_row(words, shared)


def is_in_a_row(words: Sequence[str], shared: set[str]) -> bool:
    """Whether among a text's words there are enough in a row, or so long ones, that are shared with what was said."""
    if len(shared) == 1:
        (word,) = shared
        if len(word) < LONG and words.count(word) == 1:
            return False
    row, before = 0, ""
    for word in words:
        if word not in shared:
            row = 0
            continue
        row += 1
        if row >= WORDS or len(word) >= LONG or (row > 1 and len(before) + len(word) >= LONG):
            return True
        before = word
    return False
