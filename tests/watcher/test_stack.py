from __future__ import annotations

import faulthandler
import os
import tempfile
import threading

from whisperwatch.watcher import stack

DUMP = """Timeout (0:00:01)!
Thread 0x00007f0000000002 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 324 in wait
  File "/usr/lib/python3.11/threading.py", line 995 in _bootstrap

Thread 0x00007f0000000003 [worker] (most recent call first):
  File "/app/work.py", line 7 in crunch
  File "/usr/lib/python3.11/threading.py", line 995 in _bootstrap

Thread 0x00007f0000000001 (most recent call first):
  File "/app/bot (copy).py", line 12 in hold
  File "/app/bot (copy).py", line 30 in <module>
"""
LOOP = 0x7F0000000001


def test_the_loops_thread_innermost_last() -> None:
    assert stack.parse(DUMP, LOOP) == (
        ("/app/bot (copy).py", 30, "<module>"),
        ("/app/bot (copy).py", 12, "hold"),
    )


def test_a_loop_that_waits_points_to_the_thread_that_does_not() -> None:
    waiting = DUMP.replace(
        '"/app/bot (copy).py", line 12 in hold', '"/usr/lib/python3.11/selectors.py", line 468 in select'
    )
    frames = stack.parse(waiting, LOOP)
    assert frames is not None
    assert frames[-1] == ("/app/work.py", 7, "crunch")


def test_no_dump_and_half_a_dump() -> None:
    assert stack.parse("", LOOP) is None
    assert stack.parse(DUMP[:-50], LOOP) is not None
    assert stack.parse("rubbish\n\x00", None) is None


def test_many_frames_are_cut_to_the_innermost() -> None:
    dump = "Thread 0x01 (most recent call first):\n" + "".join(
        f'  File "a", line {n} in f\n' for n in range(50)
    )
    frames = stack.parse(dump, 1)
    assert frames is not None
    assert [line for _, line, _ in frames] == list(range(11, -1, -1))


def test_what_this_pythons_faulthandler_writes_is_understood() -> None:
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file=file)
        frames = stack.read(os.getpid(), file.fileno(), threading.get_ident())
    assert frames is not None
    assert frames[-1][0] == __file__
    assert frames[-1][2] == "test_what_this_pythons_faulthandler_writes_is_understood"


def test_a_process_or_file_that_is_gone() -> None:
    assert stack.read(2**22 + 1, 3, None) is None
