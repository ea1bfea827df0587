"""The dashboards' files, as Grafana reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
FILES = sorted((PROJECT / "grafana" / "dashboards").glob("*.json"))


def dashboard(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def panels() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every panel, after its dashboard."""
    for path in FILES:
        whole = dashboard(path)
        for panel in whole["panels"]:
            yield whole, panel


def every(what: Any, key: str) -> Iterator[Any]:
    """Every value of a key, however deep."""
    if isinstance(what, dict):
        for name, value in what.items():
            if name == key:
                yield value
            yield from every(value, key)
    elif isinstance(what, list):
        for one in what:
            yield from every(one, key)
