"""Log records wait in order, and where there are too many the least severe go."""

from __future__ import annotations

import threading

from whisperwatch.bot.recording.logs import MOST_CHARACTERS, Logs

DEBUG, INFO, ERROR = 5, 9, 17


def record(severity: int, number: int, body: str = "x"):
    return (number, severity, "", "bot", body, None, 0, 0, 0, None, None, None)


def logs(most: int = 100):
    lost: list[tuple[str, int]] = []
    return Logs(lambda reason, number: lost.append((reason, number)), most), lost


def test_they_come_out_in_the_order_they_came_in():
    kept, lost = logs()
    for number in range(10):
        kept.put(record(ERROR if number % 2 else DEBUG, number))
    assert [one[0] for one in kept.take(4)] == [0, 1, 2, 3]
    assert [one[0] for one in kept.take(100)] == [4, 5, 6, 7, 8, 9]
    assert (kept.take(1), lost, kept.recorded) == ([], [], 10)


def test_a_flood_of_the_least_severe_never_evicts_an_error():
    kept, lost = logs()
    for number in range(10):
        kept.put(record(ERROR, number))
    for number in range(10_000):
        kept.put(record(DEBUG, 100 + number))
    kept.put(record(INFO, 1))
    taken = kept.take(1000)
    assert [one[0] for one in taken if one[1] == ERROR] == list(range(10))
    assert taken[-1] == record(INFO, 1)
    assert len(taken) <= 100
    newest = [one[0] for one in taken if one[1] == DEBUG]
    assert newest == sorted(newest)
    assert newest[-1] == 10_099, "the oldest of them go"
    assert sum(number for _, number in lost) + len(taken) == kept.recorded


def test_long_bodies_count_too():
    kept, lost = logs()
    body = "x" * (MOST_CHARACTERS // 4)
    for number in range(20):
        kept.put(record(INFO, number, body))
    assert 1 < len(kept) <= 4
    assert sum(number for _, number in lost) == 20 - len(kept)


def test_threads_lose_none_that_is_not_counted():
    kept, lost = logs(500)
    taken: list[object] = []
    stop = threading.Event()

    def carry():
        while not stop.is_set():
            taken.extend(kept.take(50))

    def emit():
        for number in range(20_000):
            kept.put(record(DEBUG + number % 3, number))

    carrier = threading.Thread(target=carry)
    emitters = [threading.Thread(target=emit) for _ in range(3)]
    for thread in (carrier, *emitters):
        thread.start()
    for thread in emitters:
        thread.join()
    stop.set()
    carrier.join()
    left = kept.take(100_000)
    assert kept.recorded == 60_000
    assert len(taken) + len(left) + sum(number for _, number in lost) == 60_000
