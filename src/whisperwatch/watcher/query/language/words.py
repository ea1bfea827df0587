"""A question's text as words: names, numbers, quoted texts and a few signs. Nothing else has a meaning."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.query.language.errors import QuestionError

_WORD: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<sign>!=|>=|<=|[=<>(),/])|(?P<name>[^\s"=!<>(),/]+))"""
)
_NAME: Final = re.compile(r'[^\s"=!<>(),/\\]+')
MOST_CHARACTERS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Word:
    """One word. `kind` is `text` (what was quoted, without its quotes), `sign` or `name`; `place` counts from 1."""

    kind: str
    value: str
    place: int


class Words:
    """The words of a question, taken one after the other.

    Raises:
        QuestionError: a quote is not closed, or it is longer than `MOST_CHARACTERS`.
    """

    def __init__(self, text: str) -> None:
        if len(text) > MOST_CHARACTERS:
            raise QuestionError(
                f"a question has at most {MOST_CHARACTERS:,} characters; this one has {len(text):,}"
            )
        self._words = _split(text)
        self._at = 0

    @property
    def next(self) -> Word | None:
        """The next word, which stays."""
        return self._words[self._at] if self._at < len(self._words) else None

    def is_next(self, *values: str) -> bool:
        """Whether the next words are these names or signs."""
        ahead = self._words[self._at : self._at + len(values)]
        return [word.value for word in ahead if word.kind != "text"] == list(values)

    def skip(self, *values: str) -> bool:
        """Take these words, if they come next."""
        found = self.is_next(*values)
        if found:
            self._at += len(values)
        return found

    def take(self, what: str, kinds: tuple[str, ...] = ("name",)) -> Word:
        """The next word, of one of these kinds.

        Raises:
            QuestionError: none comes, or one of another kind.
        """
        word = self.next
        if word is None:
            raise QuestionError(f"{what} is missing at the end")
        if word.kind not in kinds:
            raise self.wrong(f"{what} should stand here")
        self._at += 1
        return word

    def expect(self, value: str) -> None:
        """Take this sign or name.

        Raises:
            QuestionError: something else comes.
        """
        if not self.skip(value):
            if self.next is None:
                raise QuestionError(f"{value!r} is missing at the end")
            raise self.wrong(f"{value!r} should stand here")

    def end(self, could: str) -> None:
        """Nothing more may come.

        Raises:
            QuestionError: something does.
        """
        if self.next is not None:
            raise self.wrong(f"nothing like that goes on here, but {could}")

    def wrong(self, why: str) -> QuestionError:
        """An error at the next word."""
        word = self.next
        return QuestionError(f"at word {word.place}, {word.value!r}: {why}" if word else f"at the end: {why}")


def _split(text: str) -> list[Word]:
    found: list[Word] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _WORD.match(text, at)
        if match is None or match.lastgroup is None:
            rest = text[at:].strip()
            raise QuestionError(
                f'{rest[:40]!r} can\'t be read: is a quote not closed? Quoted texts look like "this"'
            )
        value = match[match.lastgroup]
        if match.lastgroup == "text":
            value = _unquoted(value)
        found.append(Word(match.lastgroup, value, len(found) + 1))
        at = match.end()
    return found


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def quoted(text: str) -> str:
    """A value as it is written: as it is where it is a name, else in quotes."""
    if _NAME.fullmatch(text) and text not in RESERVED:
        return text
    return json.dumps(text, ensure_ascii=False)


RESERVED: Final = frozenset(
    {"and", "not", "in", "by", "over", "every", "window", "until", "compared", "limit", "where"}
)
"""Words that are quoted where they are meant as values."""
