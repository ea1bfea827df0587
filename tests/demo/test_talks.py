from __future__ import annotations

import pytest

from whisperwatch.demo.talks import Turn, asked_again, conversations, users


def test_who_talks_where() -> None:
    turns = [Turn(1, 7, 1), Turn(2, 7, 1), Turn(3, 7, 2), Turn(4, 8, 2)]
    assert users(turns) == 2
    assert conversations(turns) == 3


@pytest.mark.parametrize(
    ("before", "then", "again"),
    [
        (Turn(1, 7, 1, "how was the lighthouse?"), Turn(60, 7, 1, "How was the lighthouse"), 1),
        (Turn(1, 7, 1, "how was the lighthouse?"), Turn(62, 7, 1, "how was the lighthouse?"), 0),
        (Turn(1, 7, 1, "how was the lighthouse?"), Turn(9, 7, 2, "how was the lighthouse?"), 0),
        (Turn(1, 7, 1, "how was the lighthouse?"), Turn(9, 8, 1, "how was the lighthouse?"), 0),
        (Turn(1, 7, 1, "a b c d e f g"), Turn(9, 7, 1, "a b c d e f g h i j"), 1),
        (Turn(1, 7, 1, "a b c d e f"), Turn(9, 7, 1, "a b c d e f g h i j"), 0),
        (Turn(1, 7, 1, "!ping"), Turn(9, 7, 1, "!ping"), 0),
        (Turn(1, 7, 1), Turn(9, 7, 1), 0),
    ],
)
def test_what_is_asked_again(before: Turn, then: Turn, again: int) -> None:
    assert asked_again([then, before]) == again


def test_only_the_last_is_compared() -> None:
    said = [Turn(at, 7, 1, text) for at, text in enumerate(("tell me of it", "", "tell me of it"))]
    assert asked_again(said) == 0
