"""In which order the workers take the files."""

from __future__ import annotations

from pathlib import Path

from tests.order import LONG, ordered

PROJECT = Path(__file__).parents[1]


def test_the_long_files_are_there() -> None:
    assert [file for file in LONG if not (PROJECT / file).is_file()] == []


def test_long_ones_and_large_ones_come_first_and_both_last_to_the_end() -> None:
    long = sorted(LONG, key=lambda file: (-LONG[file], file))[:3]
    others = {"large": 30, "middle": 20, "small": 1}
    places = ordered([*reversed(long), *(name for name in reversed(others) for _ in range(others[name]))])
    assert places.keys() == {*long, *others}
    assert [file for file in sorted(places, key=places.__getitem__) if file in LONG] == long
    assert [file for file in sorted(places, key=places.__getitem__) if file in others] == [*others]
    assert places[long[0]] == places["large"] == 0
    assert places["middle"] < places[long[2]]


def test_the_same_files_in_another_order_come_in_the_same() -> None:
    files = [*LONG, "a", "a", "b"]
    assert ordered(files) == ordered(files[::-1])
