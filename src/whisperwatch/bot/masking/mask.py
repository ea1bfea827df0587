"""Masking a text that is about to be recorded, by what the current work is about.

What to look for is put together once for each root, when the first text is masked in it. A text that is recorded
outside of any root costs one look at the context.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from whisperwatch.bot import guard
from whisperwatch.bot.masking.needles import MASKED, Needles
from whisperwatch.bot.masking.subject import names_of, words_of
from whisperwatch.bot.recording.current import ROOT_KEY, read

_MOST_TOLD: Final = 16
_told: ContextVar[tuple[Needles, ...]] = ContextVar("whisperwatch_told", default=())
"""Of work that belongs to no root."""


def mask(text: str) -> str:
    """The text without what repeats the current message, its author, guild and channel, or a prompt.

    Never raises. A text that can't be looked at is dropped as a whole, and counted as an internal error.
    """
    try:
        root: Any = read().get(ROOT_KEY)
        if root is None:
            needles = _told.get()
        else:
            needles = root.__dict__.get("needles") or _of_root(root)
        for one in needles:
            text = one.mask(text)
    except Exception:
        guard.failed("mask")
        return MASKED
    return text


def told(text: str) -> None:
    """Have a text masked from now on wherever the current work repeats it: a prompt, a completion, a document."""
    try:
        if not text:
            return
        needles = (Needles([text]),)
        root: Any = read().get(ROOT_KEY)
        if root is None:
            _told.set((*_told.get(), *needles)[-_MOST_TOLD:])
        else:
            known = root.__dict__.get("needles") or _of_root(root)
            root.needles = (*known[:1], *(*known[1:], *needles)[-_MOST_TOLD:])
    except Exception:
        guard.failed("told")


def _of_root(root: Any) -> tuple[Needles, ...]:
    subject = getattr(root, "subject", None)
    root.needles = (Needles(words_of(subject), names_of(subject)) if subject is not None else _NOTHING,)
    needles: tuple[Needles, ...] = root.needles
    return needles


_NOTHING: Final = Needles(())
