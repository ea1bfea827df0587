from __future__ import annotations

import json
from typing import Any

import pytest

from whisperwatch.watcher import stack

LOOP, WORKER, WAITER = 0x7F0000000001, 0x7F0000000003, 0x7F0000000002
WAITING = ("/usr/lib/python3.11/selectors.py", 468, "EpollSelector.select")


def thread(ident: int, *innermost_first: tuple[str, int, str], owns_gil: bool = False) -> dict[str, Any]:
    frames = [{"filename": file, "line": line, "name": name} for file, line, name in innermost_first]
    return {"thread_id": ident, "os_thread_id": 7, "active": True, "owns_gil": owns_gil, "frames": frames}


def dump(*loop: tuple[str, int, str], owner: int | None = None) -> bytes:
    threads = (
        thread(WAITER, ("/usr/lib/python3.11/threading.py", 324, "Condition.wait")),
        thread(
            WORKER, ("/app/work.py", 7, "crunch"), ("/usr/lib/python3.11/threading.py", 995, "_bootstrap")
        ),
        thread(LOOP, *loop),
    )
    return json.dumps([each | {"owns_gil": each["thread_id"] == owner} for each in threads]).encode()


HELD = (("/app/bot (copy).py", 12, "Rank.hold"), ("/app/bot (copy).py", 30, "<module>"))


@pytest.mark.parametrize("owner", [LOOP, None])
def test_the_loops_thread_innermost_last(owner: int | None) -> None:
    assert stack.parse(dump(*HELD, owner=owner), LOOP) == HELD[::-1]


@pytest.mark.parametrize("loop", [(WAITING,), HELD])
def test_another_thread_that_has_the_gil(loop: tuple[tuple[str, int, str], ...]) -> None:
    frames = stack.parse(dump(*loop, owner=WORKER), LOOP)
    assert frames is not None
    assert frames[-1] == ("/app/work.py", 7, "crunch")


def test_an_owner_that_waits_is_none() -> None:
    assert stack.parse(dump(*HELD, owner=WAITER), LOOP) == HELD[::-1]


def test_our_own_thread_is_never_to_blame() -> None:
    ours = (stack.__file__.replace("stack.py", "ship.py"), 1, "_turn")
    assert stack.parse(dump(ours, owner=LOOP), LOOP) is None


def test_nobody_is_guessed_at() -> None:
    assert stack.parse(dump(WAITING), LOOP) is None
    assert stack.parse(dump(), LOOP) is None


@pytest.mark.parametrize("loop", [LOOP + 7, None])
def test_stacks_without_the_loops_thread_are_another_process(loop: int | None) -> None:
    assert stack.parse(dump(*HELD, owner=LOOP), loop) is None


def test_many_frames_are_cut_to_the_innermost() -> None:
    frames = stack.parse(json.dumps([thread(1, *(("a", n, "f") for n in range(50)))]).encode(), 1)
    assert frames is not None
    assert [line for _, line, _ in frames] == list(range(11, -1, -1))


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"rubbish\n\x00\xff",
        b"null",
        b"7",
        b"[7]",
        b"[{}]",
        b'{"a": 1}',
        b"[" * 100_000,
        dump(*HELD)[:-50],
        json.dumps([thread(LOOP) | {"frames": None}]).encode(),
        json.dumps([thread(LOOP, ("a", None, "f"))]).encode(),  # type: ignore[arg-type]
        json.dumps([thread(LOOP) | {"thread_id": []}]).encode(),
    ],
)
def test_rubbish(rubbish: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever kind
        stack.parse(rubbish, LOOP)


def test_text_that_can_not_be_sent_is_made_so() -> None:
    frames = stack.parse(json.dumps([thread(LOOP, ("/app/\ud800.py", 1, "f"))]).encode(), LOOP)
    assert frames == (("/app/?.py", 1, "f"),)
