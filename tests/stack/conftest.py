"""The stack, for the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.stack.programs import Stack, folder


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    programs = folder()
    if programs is None:
        pytest.skip("the stack's programs are not built: make stack-tools")
    running = Stack(programs, tmp_path_factory.mktemp("stack"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def bare_prometheus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus of a module's own, without configuration: it takes nothing out of order."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "prometheus.yml").write_text("global: {}\n")
    own = Stack(stack.programs, folder)
    yield own.start_prometheus(folder / "prometheus.yml")
    own.stop()
