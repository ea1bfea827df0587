"""`--since`: how far back a command looks."""

from __future__ import annotations

import argparse

from whisperwatch.watcher.query.language import QuestionError
from whisperwatch.watcher.settings.values import duration


def since_option(parser: argparse.ArgumentParser) -> None:
    """Add it; a day by default."""
    parser.add_argument(
        "--since", default="1d", metavar="DURATION", help="how far back, such as 30m or 7d (default: 1d)"
    )


def seconds(text: str) -> float:
    """What was given, in seconds.

    Raises:
        QuestionError: it is no duration.
    """
    try:
        return duration(text)
    except ValueError:
        raise QuestionError(f"--since: {text!r} is no duration such as 30m, 6h or 7d") from None
