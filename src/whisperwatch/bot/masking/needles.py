"""What a text must not repeat, and finding it there.

Texts are compared as words in lower case, so that quotes, punctuation and line breaks around them change nothing. In
scripts that put no spaces between words each sign is a word. What is looked for are runs of words: the whole of a name
or of a short message; of longer ones each three words in a row, and each word or pair of words of 12 characters or
more. Longer runs are made of these, so finding them takes one pass over the text.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final
from urllib.parse import quote

MASKED: Final = "[masked]"
LONG: Final = 12
"""From so many characters on a run of words is masked, however few they are."""
WORDS: Final = 3
"""From so many words on a run of words is masked, however short they are."""
_SHORTEST_NAME: Final = 4
_MOST_CHARACTERS: Final = 20_000
_KEPT: Final = 1024
_LONGEST_WORD: Final = 100
"""Of words with other letters than ASCII's so many characters are compared."""
_SHORT_ENOUGH: Final = 64
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u3096\u309d-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Signs of Thai, Lao, Burmese, Khmer, Japanese and Chinese."""
_INSIDE: Final = (
    "\u00ad\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200d\u2060\u3099\u309a\ufe20-\ufe2f\ufeff"
)
"""Marks that are written over the sign before them, and what isn't seen at all."""
_WORD: Final = re.compile(rf"[{_UNSPACED}][{_INSIDE}]*|[^\W_{_UNSPACED}](?:[^\W_{_UNSPACED}]|[{_INSIDE}])*")
_SIGN: Final = re.compile(rf"[{_UNSPACED}]")
_UNSEEN: Final = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff "))
_ENTITY: Final = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#x[0-9a-f]{1,6});")
_LOWER_WORDS: Final = bytes(
    ord(letter) if _WORD.match(letter := chr(code).lower()) else 32 for code in range(128)
) + bytes(128)
"""Words of ASCII text in lower case, and spaces for all that is between: four times as fast as the expression."""
_QUOTED: Final = re.compile(r"""(?<!\w)(["'`])([^"'`\n]{1,200})\1""")
_LETTERS_OF_ESCAPES: Final = (("\\n", "  "), ("\\t", "  "), ("\\r", "  "), ("%20", "   "))
"""In which text is written, and which would grow together with words; as long as what stands for them."""


class Needles:
    """What must not be repeated: `texts` whole and in parts, `names` whole.

    `escaped`: as they are written in texts that have escapes, too. `in_part`: texts only in parts, and no word of
    theirs that is short.
    """

    __slots__ = ("_anchors", "_firsts", "_parts", "_runs", "_short", "_signals", "_sizes")

    def __init__(
        self, texts: Iterable[str], names: Iterable[str] = (), *, escaped: bool = True, in_part: bool = False
    ) -> None:
        self._runs: set[str] = set()
        self._parts: set[str] = set()
        """What is no word: emoji, and scripts' signs."""
        self._short: set[str] = set()
        """Words that are masked only in quotes, or where they are all there is: too short by themselves."""
        for text in texts:
            self._add_text(text, escaped, in_part)
        for name in names:
            if _weight(name) >= _SHORTEST_NAME:
                self._add_whole(name)
        self._sizes = tuple(sorted({run.count(" ") + 1 for run in self._runs}, reverse=True))
        self._firsts = {run.partition(" ")[0] for run in self._runs}
        self._anchors = {max(run.split(" "), key=len) for run in self._runs}
        """The longest word of each run."""
        self._signals = self._anchors.union(*(run.split(" ") for run in self._short))
        """Without one of these words there is nothing to mask, but for what is no word."""

    def mask(self, text: str, words: Sequence[str]) -> str:
        """The text, in which there are these words, with `MASKED` for what repeats."""
        if not self._signals.isdisjoint(words) and (
            not self._anchors.isdisjoint(words) or is_quoting(text, words)
        ):
            return self._masked(text)
        if self._parts:
            lower = text.lower()
            if any(part in lower for part in self._parts):
                return self._masked(text)
        return text

    # --- what to look for -------------------------------------------------------------------------------------

    def _add_text(self, text: str, escaped: bool, in_part: bool) -> None:
        text, called, whole = read(text)
        if not in_part:
            self._short.update(word for word in words_in(called) if len(word) > 1)
            if whole and len(words_in(whole)) <= WORDS:
                self._add_whole(whole)
        for form in forms(text, escaped):
            words = words_in(form)
            self._runs.update(map(" ".join, zip(*(words[at:] for at in range(WORDS)), strict=False)))
            self._runs.update(word for word in words if len(word) >= LONG)
            pairs = map(" ".join, pairwise(words))
            self._runs.update(pair for pair in pairs if len(pair) > LONG)
            if not in_part:
                self._short.update(word for word in words if _SHORTEST_NAME <= len(word) < LONG)

    def _add_whole(self, text: str) -> None:
        run = _run(text) if len(text) <= _SHORT_ENOUGH else " ".join(words_in(text))
        if _weight(run) >= _SHORTEST_NAME:
            self._runs.add(run)
        elif len(run) > 1:
            self._short.add(run)
        if not run and len(text) > 1:
            self._parts.add(text.lower())

    # --- finding it -------------------------------------------------------------------------------------------

    def _masked(self, text: str) -> str:
        plain = _plain(text)
        spans = sorted([*self._found_runs(plain), *self._found_parts(plain), *self._found_quoted(plain)])
        out: list[str] = []
        at = 0
        for start, end in spans:
            if start > at or not out:
                out += [text[at:start], MASKED]
            at = max(at, end)
        return "".join([*out, text[at:]]) if out else text

    def _found_runs(self, text: str) -> Iterator[tuple[int, int]]:
        found = list(_WORD.finditer(text))
        words = [_spelled(word[0]) for word in found]
        for at, word in enumerate(words):
            for size in self._sizes if word in self._firsts else ():
                if at + size <= len(words) and " ".join(words[at : at + size]) in self._runs:
                    yield found[at].start(), found[at + size - 1].end()
                    break

    def _found_parts(self, text: str) -> Iterator[tuple[int, int]]:
        for part in self._parts:
            at = text.find(part)
            while at >= 0:
                yield at, at + len(part)
                at = text.find(part, at + len(part))

    def _found_quoted(self, text: str) -> Iterator[tuple[int, int]]:
        if " ".join(words_in(text)) in self._short:
            yield 0, len(text)
        for quoted in _QUOTED.finditer(text):
            if " ".join(words_in(quoted[2])) in self._short:
                yield quoted.span(2)


@lru_cache(_KEPT)
def _run(text: str) -> str:
    """Its words; what people, guilds and channels are called comes again with each message."""
    return " ".join(words_in(text))


def read(text: str) -> tuple[str, str, str]:
    """What is looked at of a text; the command or mention that it begins with; what follows, where that is short."""
    text = text.strip()[:_MOST_CHARACTERS]
    called, whole = "", text
    first, *others = text.split(None, 1) or [""]
    if first.isascii() and not first[:1].isalnum():
        called, whole = first, "".join(others)
    return text, called, whole if whole.count(" ") < WORDS else ""


def is_quoting(text: str, words: Sequence[str]) -> bool:
    """Whether single words of it are masked though they are short: something is in quotes, or it is but one word."""
    return len(words) == 1 or "'" in text or '"' in text or "`" in text


def words_in(text: str) -> list[str]:
    """Its words, in lower case."""
    if not text.isascii():
        return list(map(_spelled, _WORD.findall(_plain(text))))
    if "\\" in text or "%" in text or "&" in text:
        text = _plain(text)
    return text.encode().translate(_LOWER_WORDS).decode().split()


def _spelled(word: str) -> str:
    """A word in lower case as it is compared: however its letters are put together."""
    return word if word.isascii() else _normal(word[:_LONGEST_WORD])


@lru_cache(4 * _KEPT)
def _normal(word: str) -> str:
    """In the one way in which its letters may be put together. The same signs come again and again; of many marks over
    one letter the time grows with the square."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold()).translate(_UNSEEN)


def _weight(text: str) -> int:
    """How long it is in letters of the Latin script: other scripts say a word in one or two signs."""
    return len(text) if text.isascii() else len(text) + len(_SIGN.findall(text))


def _plain(text: str) -> str:
    """For comparing, as long as the text."""
    lower = text.lower()
    if len(lower) != len(text):  # a few letters have a lower case of two
        lower = "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)
    if "\\" in lower or "%" in lower:
        for written, instead in _LETTERS_OF_ESCAPES:
            lower = lower.replace(written, instead)
    if "&" in lower:
        lower = _ENTITY.sub(lambda entity: " " * len(entity[0]), lower)
    return lower


def has_escapes(text: str) -> bool:
    """Whether something in it may be written otherwise."""
    return "\\" in text or "%" in text


def forms(text: str, escaped: bool) -> Iterator[str]:
    """How a text may be written, where it is `escaped`."""
    yield text
    if escaped and not text.isascii():
        yield json.dumps(text)
        yield ascii(text)
        yield quote(text)
        yield repr(text.encode(errors="replace"))[2:-1]
