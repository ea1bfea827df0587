from __future__ import annotations

import pytest

from whisperwatch.bot.instrument.libraries.versions import standing


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.9", "older"), ("1.1.9", "older"), ("1.2", "supported"), ("1.2.0.post1", "supported"),
        ("1.10.3", "supported"), ("2.99", "supported"), ("3", "newer"), ("3.0.0rc1", "newer"), ("3.1", "newer"),
        ("1!1.5", "supported"), ("unknown", "older"),
    ],
)  # fmt: skip
def test_where_a_version_lies(version: str, expected: str) -> None:
    assert standing(version, ">=1.2,<3") == expected


def test_a_range_may_have_no_end() -> None:
    assert standing("99", ">=1") == "supported"
