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
    for made in embeds.embeds(page):
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


def test_what_does_not_fit_goes_on_in_the_next() -> None:
    page = Page("T", sections=tuple(Section(f"s{n}", ("x",)) for n in range(30)), footer="f")
    first, second = embeds.embeds(page)
    assert [len(one["fields"]) for one in (first, second)] == [25, 5]
    assert (first["footer"]["text"], second["footer"]["text"]) == ("f · page 1 of 2", "f · page 2 of 2")
    assert first["title"] == second["title"] == "T"


WORDS = st.text(alphabet="abc_ ", min_size=1, max_size=900).map(str.strip).filter(bool)


@given(st.lists(WORDS, max_size=20), st.lists(st.lists(WORDS, max_size=12), max_size=20))
def test_every_line_is_on_some_page_in_its_order(lines: list[str], sections: list[list[str]]) -> None:
    page = Page("T", tuple(lines), tuple(Section(str(n), tuple(one)) for n, one in enumerate(sections)))
    found = []
    for made in embeds.embeds(page):
        discords_own(made)
        found += [made["description"]] if "description" in made else []
        found += [one["value"] for one in made.get("fields", ()) if one["value"] != "\u200b"]
    expected = [embeds.escaped(line) for line in (*lines, *(line for one in sections for line in one))]
    assert "\n".join(found) == "\n".join(expected)


def test_characters_are_counted_as_discord_counts() -> None:
    assert embeds.clipped("😀" * 10, 9) == "😀" * 4 + "…"
