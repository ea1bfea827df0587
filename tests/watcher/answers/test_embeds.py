"""Embeds within Discord's limits, whatever the page: the loopback Discord's own check is asked too."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperwatch.demo.loopback import bodies
from whisperwatch.watcher.answers import embeds
from whisperwatch.watcher.answers.page import SYMBOLS, Moment, Page, Section

TEXTS = st.text(max_size=5000)
SECTIONS = st.builds(
    Section,
    title=TEXTS,
    lines=st.lists(TEXTS, max_size=4).map(tuple),
    status=st.sampled_from([None, *SYMBOLS, "strange"]),
)
PAGES = st.builds(
    Page,
    title=TEXTS,
    lines=st.lists(TEXTS, max_size=3).map(tuple),
    sections=st.lists(SECTIONS, max_size=30).map(tuple),
    footer=TEXTS,
    at=st.none() | st.floats(0, 4e9),
)


@given(PAGES)
def test_no_page_is_over_a_limit(page: Page) -> None:
    (made,) = embeds.embeds(page)
    discords_own(made)


def discords_own(embed: dict[str, Any]) -> None:
    """Raises as Discord would refuse."""
    message: Any = SimpleNamespace(content="", embeds=[embed], components=[], attachments=[], loading=False)
    bodies.check(message)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (Page("x" * 300), {"title": "x" * 255 + "…"}),
        (Page("Fine", status="healthy"), {"title": "✅ Fine", "color": 0x2ECC71}),
        (Page("Odd", status="strange"), {"title": "❔ Odd", "color": 0x95A5A6}),
        (Page("T", lines=("a_b *c* @everyone",)), {"description": "a\\_b \\*c\\* @\u200beveryone"}),
        (Page("T", lines=(("since ", Moment(1700000000.9)),)), {"description": "since <t:1700000000:R>"}),
        (Page("T", footer="f", at=1700000000.5), {"timestamp": "2023-11-14T22:13:20.500+00:00"}),
    ],
)
def test_what_is_shown(page: Page, expected: dict[str, Any]) -> None:
    (made,) = embeds.embeds(page)
    assert {key: made[key] for key in expected} == expected


def test_what_does_not_fit_is_said_to_be_left_out() -> None:
    (made,) = embeds.embeds(
        Page("T", sections=tuple(Section(f"s{n}", ("x",)) for n in range(30)), footer="f")
    )
    assert len(made["fields"]) == 25
    assert made["footer"]["text"] == "f · More than fits is left out."


def test_characters_are_counted_as_discord_counts() -> None:
    assert embeds.clipped("😀" * 10, 9) == "😀" * 4 + "…"
