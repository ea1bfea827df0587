from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperwatch import tape

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def through(*frames: tuple[Any, ...], step: int = 1000) -> list[tuple[Any, ...]]:
    data = b"".join(map(tape.pack, frames))
    incoming = tape.Incoming()
    return [
        frame for start in range(0, len(data), step) for frame in incoming.feed(data[start : start + step])
    ]


@given(st.lists(PLAIN, max_size=4), st.integers(1, 50))
def test_frames_arrive_as_they_were(values: list[Any], step: int) -> None:
    frames = [(tape.ACK, value) for value in values]
    assert through(*frames, step=step) == frames


def test_the_hello_is_json() -> None:
    packed = tape.pack(tape.hello(bots=["one"], resource={"blob": b"of the operator's"}))
    assert packed[4:5] == b"J"
    kind, about = tape.unpack(packed[4:], json_only=True)
    assert kind == tape.HELLO
    assert about["bots"] == ["one"]
    assert tape.mismatch(about) is None


def test_spans_that_were_packed_before_arrive_as_spans() -> None:
    spans = [(1, "one"), (2, "two")]
    packed = tape.pack_records(spans)
    batch = (tape.BATCH, 1, 0, [], packed, [], None, packed)
    assert through(batch) == [(tape.BATCH, 1, 0, [], spans, [], None, spans)]
    assert through((tape.BATCH, 1, 0, [], [], [], {}, []))[0][4] == []


def test_before_the_hello_marshal_is_not_trusted() -> None:
    with pytest.raises(tape.TapeError, match="speaks no tape"):
        tape.unpack(tape.pack((tape.ACK, 1))[4:], json_only=True)


@pytest.mark.parametrize("size", [0, tape.MAX_FRAME + 1, 2**32 - 1])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(tape.TapeError, match="bytes"):
        tape.body_size(struct.pack(">I", size))


@pytest.mark.parametrize(
    "body", [b"", b"X", b"J", b"J{}", b"J[]", b"J[1]", b"J\xff", b"M", b"M\x00", b"M\x00\x00\x00\x00"]
)
def test_rubbish_is_refused(body: bytes) -> None:
    with pytest.raises(tape.TapeError):
        tape.unpack(body)


def test_a_frame_that_was_harmed_is_refused() -> None:
    # marshal itself would take gigabytes or minutes for some of these
    chance = random.Random(7)
    good = tape.pack(
        (tape.BATCH, 1, 2, [("scope", 1, "x")], [(1, 2, {"a": [1.5, None]})], [], {"sent": 1}, [])
    )[4:]
    for _ in range(3000):
        body = bytearray(good)
        for _ in range(chance.randint(1, 8)):
            body[chance.randrange(len(body))] ^= chance.randrange(1, 256)
        if body != good:
            with pytest.raises(tape.TapeError):
                tape.unpack(bytes(body))


def test_a_frame_over_the_limit_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "MAX_FRAME", 100)
    with pytest.raises(tape.TapeError, match="over the limit of 100"):
        tape.pack((tape.ACK, "x" * 100))


def test_objects_become_their_text_and_subclasses_what_they_are_of() -> None:
    class Name(str):
        def __str__(self) -> str:
            raise RuntimeError

    class Number(int):
        pass

    class Share(float):
        pass

    odd = {Name("a"): (Number(1), Share(0.5), True, None, b"x"), "o": {3}, "c": complex}
    plain = {"a": (1, 0.5, True, None, b"x"), "o": [3], "c": "<class 'complex'>"}
    assert through((tape.ACK, odd, len)) == [(tape.ACK, plain, "<built-in function len>")]


@pytest.mark.parametrize(
    ("key", "value", "told"), [("tape", 99, "version 99"), ("tape", None, "None"), ("marshal", 9, "Python")]
)
def test_what_does_not_match_is_named(key: str, value: object, told: str) -> None:
    about = {**tape.hello()[1], key: value}
    assert told in str(tape.mismatch(about))
