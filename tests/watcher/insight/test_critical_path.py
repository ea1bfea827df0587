"""The critical path: every moment of a root is somebody's, and only one's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperwatch.watcher.insight.critical_path import critical_path
from whisperwatch.watcher.query.answers import SpanRecord

S = 10**9


def span(name: str, parent: str, start: float, end: float) -> SpanRecord:
    return SpanRecord("ab" * 16, name, parent, name, "internal", round(start * S), round(end * S))


def path(*spans: SpanRecord) -> dict[str, float]:
    return {step.span.span_id: step.seconds for step in critical_path(spans)}


ROOT = span("root", "", 0, 10)


def test_one_after_another() -> None:
    found = path(ROOT, span("a", "root", 1, 3), span("b", "root", 4, 9), span("c", "b", 5, 6))
    assert found == {"root": 3, "a": 2, "b": 4, "c": 1}


def test_of_what_ran_at_once_the_last_to_end_counts() -> None:
    assert path(ROOT, span("short", "root", 1, 4), span("long", "root", 1, 9)) == {"root": 2, "long": 8}
    assert path(ROOT, span("early", "root", 0, 6), span("late", "root", 4, 10)) == {"early": 4, "late": 6}
    inner = span("inner", "early", 5, 6)  # at a time when late is waited for
    assert path(ROOT, span("early", "root", 0, 6), inner, span("late", "root", 4, 10)) == {
        "early": 4,
        "late": 6,
    }


@pytest.mark.parametrize(
    ("child", "found"),
    [
        (span("late", "root", 8, 15), {"root": 8, "late": 2}),
        (span("early", "root", -5, 2), {"root": 8, "early": 2}),
        (span("after", "root", 11, 12), {"root": 10}),
        (span("nothing", "root", 5, 5), {"root": 10}),
        (span("backwards", "root", 6, 4), {"root": 10}),
        (span("orphan", "gone", 2, 4), {"root": 8, "orphan": 2}),
        (span("second root", "", 2, 4), {"root": 8, "second root": 2}),
        (span("own parent", "own parent", 2, 4), {"root": 10}),
        (span("root", "root", 2, 4), {"root": 10}),
    ],
)
def test_what_is_odd(child: SpanRecord, found: dict[str, float]) -> None:
    assert path(child, ROOT) == found


def test_nothing_is_told_without_a_root() -> None:
    assert path() == path(span("orphan", "gone", 0, 1)) == {}
    assert path(span("instant", "", 5, 5)) == path(span("backwards", "", 5, 4)) == {}


def test_a_deep_trace() -> None:
    chain = [ROOT, *(span(f"{n}", f"{n - 1}" if n else "root", 0, 10) for n in range(5000))]
    assert path(*chain) == {"4999": 10}


@st.composite
def traces(draw: st.DrawFn) -> list[SpanRecord]:
    """Spans in seconds from 0 to 12, whose parents are the root, each other, themselves or gone."""
    count = draw(st.integers(0, 9))
    names = [f"s{n}" for n in range(count)]
    moments = st.integers(0, 12)
    parents = st.sampled_from(["root", "gone", *names])
    return draw(st.permutations([span("root", "", 2, 10)])) + [
        span(name, draw(parents), draw(moments), draw(moments)) for name in names
    ]


def owner_at(spans: list[SpanRecord], moment: float) -> str:
    """Whose a moment is, by the definition."""
    known = {one.span_id for one in spans}
    here = next(one for one in spans if one.span_id == "root")
    while True:
        below = [
            one
            for one in spans
            if (one.parent_id if one.parent_id in known else "root") == here.span_id
            and one.span_id != "root"
            and one.start < moment < one.end
        ]
        if not below:
            return here.span_id
        here = max(below, key=lambda one: (one.end, -one.start, [-ord(letter) for letter in one.span_id]))


@given(traces())
def test_every_moment_is_one_spans(spans: list[SpanRecord]) -> None:
    found = path(*spans)
    assert sum(found.values()) == pytest.approx(8)
    owners = [owner_at(spans, (second + 0.5) * S) for second in range(2, 10)]
    assert found == {name: owners.count(name) for name in owners}
