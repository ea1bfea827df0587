"""Masking a text that is about to be recorded, by what the current work is about.

What to look for is put together once for each root, when the first text is masked in it. A text that is recorded
outside of any event's work is compared with what was said last.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from whisperwatch.bot import guard
from whisperwatch.bot.masking.needles import MASKED, Needles, words_in
from whisperwatch.bot.masking.recent import Recent, recently
from whisperwatch.bot.masking.said import Said
from whisperwatch.bot.masking.subject import names_of, words_of
from whisperwatch.bot.recording.current import ROOT_KEY, read

_MOST_TOLD: Final = 16
_MOST_HEARD: Final = 64
_PLACES: Final = 1024
"""Of a person in a channel, so many are remembered."""
_told: ContextVar[tuple[Said, ...]] = ContextVar("whisperwatch_told", default=())
"""Of work that belongs to no root."""


def mask(text: str) -> str:
    """The text without what repeats the current message, its author, guild and channel, or a prompt.

    Never raises. A text that can't be looked at is dropped as a whole, and counted as an internal error.
    """
    try:
        root: Any = read().get(ROOT_KEY)
        needles: Sequence[Needles | Said | Recent]
        if root is None:
            needles = (*_told.get(), *recently())
        else:
            needles = root.needles or _of_root(root)
            if needles[0] is _NOTHING:
                needles = (*needles[2:], *recently())
            if root.heard:
                needles = (*needles, *root.heard)
        if not needles:
            return text
        words = words_in(text)
        for one in needles:
            masked = one.mask(text, words)
            if masked is not text:
                text, words = masked, words_in(masked)
    except Exception:
        guard.failed("mask")
        return MASKED
    return text


def told(text: str) -> None:
    """Have a text masked from now on wherever the current work repeats it: a prompt, a completion, a document."""
    try:
        if not isinstance(text, str):
            raise TypeError(f"a text is told, not {type(text).__name__}")
        root: Any = read().get(ROOT_KEY)
        if root is None:
            _told.set(_with(_told.get(), text))
        else:
            known = root.needles or _of_root(root)
            root.needles = (*known[:2], *_with(known[2:], text))
    except Exception:
        guard.failed("told")


def heard(root: Any, subjects: Sequence[Any]) -> None:
    """Have masked in a root, from now on, what it turns out to be about, too: an event that was waited for in it."""
    try:
        root.heard = (*root.heard, *_of_subjects(*subjects))[-_MOST_HEARD:]
    except Exception:
        guard.failed("heard")


def _with(known: Sequence[Said], text: str) -> tuple[Said, ...]:
    """The newest that were told, each once."""
    if not text or any(one.texts == [text] for one in known):
        return tuple(known)
    return (*known, Said([text]))[-_MOST_TOLD:]


def _of_root(root: Any) -> Any:
    """A tuple: what the root's event says, what who is in it is called, then what was told in it."""
    subject = getattr(root, "subject", None)
    root.needles = _NOBODYS if subject is None else _of_subjects(subject, *getattr(root, "others", ()))
    return root.needles


def _of_subjects(*subjects: Any) -> tuple[Said, Needles]:
    words = [text for subject in subjects for text in words_of(subject)]
    names = dict.fromkeys(name for subject in subjects for name in names_of(subject))
    return Said(words), _of_names(tuple(names))


@lru_cache(_PLACES)
def _of_names(names: tuple[str, ...]) -> Needles:
    """The same people write in the same channels again and again."""
    return Needles((), names)


_NOTHING = Needles(())
_NOBODYS: Final = (_NOTHING, _NOTHING)
