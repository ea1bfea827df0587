"""What an admin is answered: a report becomes a page once, and the page an embed in Discord or text in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whisperwatch.watcher.answers.answers import Answers

__all__ = ["Answers"]


def __getattr__(name: str) -> Any:
    """Imported when it is asked for: the worker that draws charts needs the numbers here, and none of the stores."""
    if name != "Answers":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from whisperwatch.watcher.answers.answers import Answers

    return Answers
