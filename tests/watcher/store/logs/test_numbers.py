"""Each record has a number of its own, in its own second."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from whisperwatch.watcher.store.logs.numbers import numbered
from whisperwatch.watcher.store.logs.rows import TICKS

ticks = st.integers(1, 3 * TICKS) | st.sampled_from([TICKS, TICKS - 1, TICKS + 1, 2 * TICKS])


@given(st.lists(st.lists(ticks, max_size=60).map(sorted), max_size=5))
def test_numbers_are_given_once_and_stay_in_their_second(batches):
    there: set[int] = set()
    for batch in batches:
        found = list(
            numbered(
                batch, max(there, default=-1), lambda start, end: {one for one in there if start < one <= end}
            )
        )
        assert len(found) == len(set(found)) == len(batch)
        assert not there.intersection(found)
        assert found == sorted(found)
        assert [(one - 1) // TICKS for one in found] == [(tick - 1) // TICKS for tick in batch]
        there.update(found)


def test_more_than_a_second_has_are_late_and_not_lost():
    batch = [5] * (TICKS + 10) + [TICKS + 1] * 3
    found = list(numbered(batch, -1, lambda start, end: ()))
    assert len(set(found)) == len(batch)
    again = list(
        numbered([5, 6], max(found), lambda start, end: {one for one in found if start < one <= end})
    )
    assert not set(again).intersection(found)
