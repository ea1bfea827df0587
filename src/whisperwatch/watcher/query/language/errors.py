"""What is wrong with a question."""

from __future__ import annotations


class QuestionError(ValueError):
    """A question makes no sense; the message names the thing, and what exists instead."""
