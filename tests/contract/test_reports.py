"""Every report says the same of the embedded store and of Prometheus: the same figures, points, advice and words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.both import Both

from whisperwatch.watcher.insight.plain import plain
from whisperwatch.watcher.insight.reports import REPORTS
from whisperwatch.watcher.query.asking import Asking, Engines

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOURS = (1, 6, 24)
CLEAN, RESTARTED = 1e-6, 2e-3
"""Relative tolerance: of a time without, and with, a new process in it or in the period before."""
OF_TRACES = ("top",)
"""Made of traces alone, of which both stores have none here."""
NAMES = [(name, of) for name, kind in REPORTS.items() if name not in OF_TRACES for of in kind.of or ("",)]


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize(("name", "of"), NAMES)
async def test_a_report(both: Both, name: str, of: str, hours: int) -> None:
    embedded, prometheus = [
        dict(leaves(plain(await REPORTS[name].make(asking, hours * 3600.0, of))))
        for asking in (asking_of(both, both.metrics), asking_of(both, both.prometheus))
    ]
    assert embedded.pop("basis.store") == "embedded"
    assert prometheus.pop("basis.store") == "prometheus"
    assert embedded["basis.missing"] == prometheus["basis.missing"] == 0
    assert prometheus.keys() == embedded.keys()
    assert any(isinstance(value, float) and value for value in embedded.values())
    tolerance = RESTARTED if hours > 3 else CLEAN
    different = {
        key: (value, prometheus[key])
        for key, value in embedded.items()
        if not alike(value, prometheus[key], tolerance)
    }
    assert different == {}


def asking_of(both: Both, metrics: Any) -> Asking:
    return Asking(Engines(metrics), now=lambda: float(both.end))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number and text by its path; lists also by their length."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield path, len(value)
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    else:
        yield path, value


def alike(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=1e-9)
    return bool(one == other)
