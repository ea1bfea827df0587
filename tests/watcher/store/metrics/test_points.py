"""Points: which slot a time is in, and bucket counts as blobs."""

from __future__ import annotations

import hypothesis.strategies as some
import pytest
from hypothesis import given

from whisperwatch.watcher.store.metrics.points import counts_of, number, pack, repack, slot_of, unpack

COUNTS = some.lists(some.one_of(some.just(0), some.integers(0, 2**38)), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("at", "slot"), [(0.0, 0), (0.001, 15), (15.0, 15), (15.001, 30), (1e9 - 0.5, 1_000_000_005)]
)
def test_a_slot_is_known_by_its_end(at: float, slot: int) -> None:
    assert slot_of(at) == slot


@given(COUNTS)
def test_counts_survive(counts: list[int]) -> None:
    assert unpack(number(pack(counts)), len(counts)) == counts
    known = counts_of(pack(counts))
    assert [*known, *(0,) * (len(counts) - len(known))] == counts


@given(some.lists(some.lists(some.integers(0, 10**9), min_size=5, max_size=5), min_size=1, max_size=20))
def test_numbers_are_added_instead_of_counts(many: list[list[int]]) -> None:
    total = sum(number(pack(counts)) for counts in many)
    wanted = [sum(column) for column in zip(*many, strict=True)]
    assert unpack(total, 5) == wanted
    assert unpack(number(repack(total)), 5) == wanted
    assert len(repack(total)) <= 1 + 5 * 5


def test_few_buckets_take_little_room() -> None:
    assert len(pack([0] * 6 + [3, 250, 70_000] + [0] * 6)) <= 1 + 3 * 5
    assert pack([0] * 15) == b"\x0f"
