"""What holds for every test: which skips are allowed where none may go unnoticed."""

from __future__ import annotations

import gc
from fnmatch import fnmatch
from pathlib import Path

import pytest

from whisperwatch.demo.backends.ports import free_port


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--allowed-skips",
        type=Path,
        metavar="FILE",
        help="fail if a test is skipped that no line of FILE names: `<pattern of test ids>  # <reason>`",
    )


def pytest_configure(config: pytest.Config) -> None:
    if (file := config.getoption("--allowed-skips")) is not None:
        config.pluginmanager.register(SkipGuard(read_allowed_skips(file)), "allowed-skips")


@pytest.fixture
def unused_tcp_port() -> int:
    """A port that nobody listens on, still when a test lets somebody come and listen there.

    (pytest-asyncio's is one that the system gives to any connection of another test.)
    """
    return free_port()


def pytest_collection_finish() -> None:
    """What collecting the tests has made stays: no test that collects garbage needs to look at it."""
    gc.collect()
    gc.freeze()


def read_allowed_skips(file: Path) -> list[str]:
    """The patterns in a list of allowed skips.

    Raises:
        pytest.UsageError: the list can't be read, or a line of it gives no reason.
    """
    patterns = []
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise pytest.UsageError(f"--allowed-skips: {file}: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        pattern, _, reason = (part.strip() for part in line.partition("#"))
        if pattern and not reason:
            raise pytest.UsageError(f"{file}:{number}: {pattern} has no reason; write `{pattern}  # reason`")
        if pattern:
            patterns.append(pattern)
    return patterns


class SkipGuard:
    """Fails the run over skips that nobody allowed."""

    def __init__(self, allowed: list[str]) -> None:
        self._allowed = allowed
        self._unexpected: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._look_at(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._look_at(report)

    def _look_at(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not any(fnmatch(report.nodeid, pattern) for pattern in self._allowed):
            _, _, reason = (
                report.longrepr if isinstance(report.longrepr, tuple) else ("", 0, str(report.longrepr))
            )
            self._unexpected.append(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._unexpected and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._unexpected:
            terminalreporter.section("skipped, but not on the list of allowed skips", red=True)
            for line in self._unexpected:
                terminalreporter.line(line)
