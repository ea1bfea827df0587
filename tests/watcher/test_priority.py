"""A watcher that the bot starts lets the bot go first, with all of its threads."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from whisperwatch.watcher import priority

_SAY = """
import ctypes, os, struct, threading
from whisperwatch.watcher import priority

def told():
    said = ctypes.create_string_buffer(48)
    ctypes.CDLL(None).syscall(ctypes.c_long({number}), 0, said, 48, 0)
    _, policy, _, nice, _, turn, _, _ = struct.unpack("=IIQiIQQQ", said.raw)
    print(policy, nice, turn)

before = os.nice(0)
priority.let_the_bot_go_first()
print(before)
told()
thread = threading.Thread(target=told)
thread.start()
thread.join()
"""
_GET_ATTRIBUTES = {"x86_64": 315, "aarch64": 275, "riscv64": 275}


def _release() -> tuple[int, int]:
    major, minor = platform.release().split(".")[:2]
    return int(major), int(minor)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has turns to ask for")
def test_it_is_nice_and_takes_long_turns() -> None:
    script = _SAY.format(number=_GET_ATTRIBUTES[platform.machine()])
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, *threads = said.stdout.splitlines()
    turn = 3_000_000 if _release() >= (6, 12) else 0
    assert threads == [f"0 {min(19, int(before) + 5)} {turn}"] * 2


@pytest.mark.parametrize("number", [None, 100_000])  # no system has as many calls
def test_what_the_system_does_not_know_is_left_out(
    number: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def nice(by: int) -> int:
        asked.append(by)
        return by

    monkeypatch.setattr(os, "nice", nice)
    monkeypatch.setattr(priority, "_SET_ATTRIBUTES", number)
    priority.let_the_bot_go_first()
    assert asked == [5]
