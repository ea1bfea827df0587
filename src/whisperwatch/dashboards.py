"""`whisperwatch dashboards`: Grafana's dashboards, as files to import by hand.

They come with the package, made for the data sources that `grafana/provisioning` has; an import asks which to use.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

_PACKAGED: Final = Path(__file__).with_name("grafana")
_CHECKOUT: Final = Path(__file__).resolve().parents[2] / "grafana" / "dashboards"
_SOURCES: Final = {"prometheus": "Prometheus", "loki": "Loki", "tempo": "Tempo"}
_LEAST_GRAFANA: Final = "11.0.0"


def main(argv: Sequence[str]) -> int:
    """Write them.

    Returns:
        the exit status: 1 where they can't be written.
    """
    parser = argparse.ArgumentParser(prog="whisperwatch dashboards", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write them to")
    folder: Path = parser.parse_args(argv).out
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in files():
            told = importable(json.loads(path.read_text(encoding="utf-8")))
            (folder / path.name).write_text(
                json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
            )
            print(f"{folder / path.name}: {told['title']}")
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print("In Grafana: Dashboards, New, Import; it asks for the data sources.")
    return 0


def files() -> list[Path]:
    """The dashboards that came with this package."""
    return sorted((_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT).glob("*.json"))


def importable(dashboard: dict[str, Any]) -> dict[str, Any]:
    """The same with data sources that an import asks for (`__inputs`), and what it needs (`__requires`)."""
    asked = sorted(
        {str(one["type"]) for one in _sources(dashboard)} & set(_SOURCES), key=list(_SOURCES).index
    )
    for one in _sources(dashboard):
        if one["type"] in asked:
            one["uid"] = f"${{{_input(one['type'])}}}"
    inputs = [
        {
            "name": _input(kind),
            "label": _SOURCES[kind],
            "description": "",
            "type": "datasource",
            "pluginId": kind,
            "pluginName": _SOURCES[kind],
        }
        for kind in asked
    ]
    return {
        "__inputs": inputs,
        "__elements": {},
        "__requires": list(_requires(dashboard, asked)),
        "id": None,
    } | dashboard


def _requires(dashboard: dict[str, Any], sources: list[str]) -> Iterator[dict[str, str]]:
    yield {"type": "grafana", "id": "grafana", "name": "Grafana", "version": _LEAST_GRAFANA}
    for kind in sources:
        yield {"type": "datasource", "id": kind, "name": _SOURCES[kind], "version": "1.0.0"}
    for kind in sorted({panel["type"] for panel in dashboard["panels"]}):
        yield {"type": "panel", "id": kind, "name": kind, "version": ""}


def _input(kind: str) -> str:
    return f"DS_{kind.upper()}"


def _sources(part: Any) -> Iterator[dict[str, Any]]:
    """Every reference to a data source, however deep."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "datasource" and isinstance(value, dict):
                yield value
            else:
                yield from _sources(value)
    elif isinstance(part, list):
        for one in part:
            yield from _sources(one)
