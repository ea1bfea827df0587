from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from whisperwatch.demo.bot.mind import embed


@given(st.text())
def test_a_vector_has_length_one_and_is_always_the_same(text: str) -> None:
    vector = embed(text)
    assert math.isclose(math.hypot(*vector), 1.0)
    assert list(vector) == list(embed(text))


def test_texts_with_words_in_common_are_near() -> None:
    def nearness(one: str, other: str) -> float:
        return sum(a * b for a, b in zip(embed(one), embed(other), strict=True))

    assert nearness("how was the lighthouse?", "The lighthouse was dark") > nearness(
        "how was the lighthouse?", "my thesis"
    )
    assert nearness("The Garden!", "the garden") > 0.999
