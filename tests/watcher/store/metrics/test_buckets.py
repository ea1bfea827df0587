"""Bucket counts as blobs and numbers."""

from __future__ import annotations

import hypothesis.strategies as some
from hypothesis import given

from whisperwatch.watcher.store.metrics.buckets import counts_of, number, pack, repack, unpack

COUNTS = some.lists(some.one_of(some.just(0), some.integers(0, 2**38)), min_size=1, max_size=20)


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
