"""What is said to the operator once a process, however often it happens."""

from __future__ import annotations

import logging

_logger = logging.getLogger("whisperwatch")
said: set[str] = set()


def say_once(text: str) -> None:
    """A warning in the log, the first time."""
    if text not in said:
        said.add(text)
        _logger.warning(text)
