"""In which order the workers of pytest-xdist take the test files: who ends the day with a long one keeps all waiting.

Left to itself xdist begins with the files that have most tests, and those are small and busy; what starts processes
and waits for them has few, and came last, all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

LONG: Final = {
    "tests/test_run.py": 80, "tests/demo/test_command.py": 70, "tests/bot/ship/test_store.py": 70,
    "tests/bot/ship/test_blocked.py": 55, "tests/demo/test_answers.py": 50, "tests/demo/test_show.py": 40,
    "tests/packaging/test_wheel.py": 45, "tests/bench/test_harness.py": 55, "tests/test_privacy.py": 40,
    "tests/watcher/answers/charts/test_artist.py": 40, "tests/bot/ship/test_journey.py": 40,
    "tests/bot/ship/test_outages.py": 35, "tests/watcher/store/metrics/test_model.py": 25,
    "tests/watcher/web/test_api.py": 20, "tests/bot/admin/test_prefix.py": 30, "tests/test_zero_code.py": 30,
    "tests/watcher/health/test_servers_of_a_bot.py": 28, "tests/bot/ship/test_faults.py": 20,
    "tests/packaging/test_environment.py": 25, "tests/test_ways.py": 25, "tests/bot/ship/test_logs.py": 25,
    "tests/bot/admin/test_stores_down.py": 20, "tests/bot/ship/test_modes.py": 20, "tests/demo/test_reports.py": 20,
    "tests/watcher/redaction/test_redactor.py": 20, "tests/watcher/pipeline/test_outages.py": 17,
    "tests/watcher/store/test_kill.py": 17, "tests/bot/recording/test_spans.py": 25,
    "tests/bot/admin/test_slash.py": 17, "tests/bot/ship/test_inheritance.py": 15,
    "tests/watcher/pipeline/test_otlp_spans.py": 14, "tests/bot/admin/test_every_command.py": 14,
    "tests/watcher/web/test_blocked_bot.py": 13, "tests/bot/recording/test_recorder.py": 12,
    "tests/bot/admin/test_config.py": 12, "tests/bot/admin/test_private.py": 11,
    "tests/bot/admin/test_silence.py": 10, "tests/test_ask.py": 10,
    "tests/bot/admin/test_terminal.py": 9, "tests/bot/admin/test_pictures.py": 9, "tests/demo/test_elsewhere.py": 8,
    "tests/bot/masking/test_needles.py": 12,
    "tests/bot/instrument/test_table.py": 20, "tests/bot/instrument/test_memory.py": 15,
    "tests/bot/instrument/libraries/test_http.py": 12,
}  # fmt: skip
"""Seconds, on some machine on some day: what counts is which are long."""


def ordered(files: Iterable[str]) -> dict[str, float]:
    """Where each file comes: the longest of the long ones and the largest of the others first, spread so that both
    kinds last to the end.

    Args:
        files: the file of each test.
    """
    tests: dict[str, int] = {}
    for file in files:
        tests[file] = tests.get(file, 0) + 1
    places = dict(_spread([file for file in tests if file in LONG], LONG.__getitem__))
    places.update(_spread([file for file in tests if file not in LONG], tests.__getitem__))
    return places


def _spread(files: list[str], weight: Callable[[str], float]) -> Iterator[tuple[str, float]]:
    """Each file with the share of the files' whole weight that is before it."""
    whole, before = sum(map(weight, files)), 0.0
    for file in sorted(files, key=lambda file: (-weight(file), file)):
        yield file, before / whole
        before += weight(file)
