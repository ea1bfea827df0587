"""What a server answered: a sentence for people, and what it told of itself in figures."""

from __future__ import annotations

from collections.abc import Mapping


class Answer(str):
    """The sentence, to follow the server's name.

    Attributes:
        figures: by name, what the server counts.
    """

    figures: Mapping[str, int]

    def __new__(cls, text: str, figures: Mapping[str, int]) -> Answer:
        made = super().__new__(cls, text)
        made.figures = figures
        return made
