"""Spans come out as they were packed, by every version that ever packed them."""

from __future__ import annotations

import hashlib
import json
import zlib

import hypothesis.strategies as st
import pytest
from hypothesis import given

from whisperwatch.watcher.store.traces.packing import WORDS, decode, encode, unpacked

SPAN = [
    "0123456789abcdef", "", "message", "consumer", 1_700_006_400_000_000_001, 1_700_006_400_100_000_002, "unset", "",
    {"bot.name": "demo", "discord.event.name": "message", "discord.user.id": "0011223344556677"}, [], [],
]  # fmt: skip
OF_VERSION_2 = "65a7926c8a62b1804924a174e8cf772be4f0524f4c5308963b20cf1045e918af"
values = st.none() | st.booleans() | st.integers() | st.text(max_size=30)
spans = st.lists(
    st.lists(values | st.dictionaries(st.text(max_size=10), values, max_size=3), max_size=11), max_size=4
)


@given(spans)
def test_any_spans(given):
    text = json.dumps(given, ensure_ascii=False).encode("utf-8", "replace")
    assert decode(encode(given)) == json.loads(text)


def test_those_of_version_1():
    assert decode(b"\x01" + zlib.compress(json.dumps([SPAN]).encode(), 1)) == [SPAN]


def test_the_words_of_version_2_are_what_they_were():
    assert hashlib.sha256(WORDS).hexdigest() == OF_VERSION_2, (
        "what was packed with them can't be read with others"
    )


def test_words_are_worth_it():
    text = unpacked(encode([SPAN]))
    assert len(encode([SPAN])) < 0.7 * len(zlib.compress(text.encode(), 1))


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x03abc"])
def test_a_version_that_is_not_known(body):
    with pytest.raises(ValueError, match="spans of version"):
        unpacked(body)


def test_a_body_that_was_cut():
    with pytest.raises(zlib.error):
        unpacked(encode([SPAN])[:-3])
