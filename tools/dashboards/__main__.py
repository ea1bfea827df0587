"""Makes `grafana/dashboards/` from the tables: `make docs`; with `--check`, fails if a file is out of date."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.dashboards.boards import BOARDS
from tools.dashboards.making import text

FOLDER: Final = Path(__file__).resolve().parents[2] / "grafana" / "dashboards"


def stale() -> Iterator[tuple[Path, str | None]]:
    """The files that are not what would be made now, with what would be; None: they would not be made."""
    made = {FOLDER / f"{board.name}.json": text(board) for board in BOARDS}
    for path in sorted({*FOLDER.glob("*.json"), *made}):
        now = path.read_text(encoding="utf-8") if path.exists() else None
        if now != made.get(path):
            yield path, made.get(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which files are out of date")
    check = parser.parse_args().check
    found = list(stale())
    for path, content in found:
        if check:
            print(
                f"grafana/dashboards/{path.name} is out of date: run `make docs` and commit it",
                file=sys.stderr,
            )
        elif content is None:
            path.unlink()
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main())
