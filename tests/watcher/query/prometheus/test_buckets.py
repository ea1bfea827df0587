"""Quantiles of buckets as Prometheus tells of them."""

from __future__ import annotations

import pytest

from whisperwatch.watcher.query.prometheus.buckets import by_group


def test_each_group_and_time_has_its_own() -> None:
    found = by_group(
        {
            ("ask", "0.5"): [(600, 4.0), (900, 0.0)],
            ("ask", "1.5"): [(600, 8.0), (900, 0.0)],
            ("ask", "+Inf"): [(600, 8.0), (900, 0.0)],
            ("help", "+Inf"): [(600, 3.0)],
            ("help", "0.5"): [(600, 3.0)],
        }
    )
    assert list(found) == [("ask",), ("help",)]
    assert list(found["ask",].quantiles(0.5)) == [(600, 0.5)]  # at 900 nothing was counted
    assert list(found["ask",].quantiles(0.75)) == [(600, 1.0)]
    assert list(found["help",].quantiles(0.99)) == [(600, pytest.approx(0.495))]


def test_bounds_are_one_however_they_are_written() -> None:
    buckets = by_group({("1",): [(600, 2.0)], ("1.0",): [(900, 2.0)], ("+Inf",): [(600, 2.0), (900, 2.0)]})[
        ()
    ]
    assert list(buckets.quantiles(0.5)) == [(600, 0.5), (900, 0.5)]


def test_without_the_infinite_bound_nothing_is_known() -> None:
    assert list(by_group({("1",): [(600, 2.0)]})[()].quantiles(0.5)) == []


def test_what_has_no_bound_is_no_histogram() -> None:
    with pytest.raises(ValueError, match="could not convert"):
        by_group({("",): [(600, 2.0)]})
