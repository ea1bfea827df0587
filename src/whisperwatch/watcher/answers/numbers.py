"""Numbers with their units, for people."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"
_BYTES: Final = ("B", "kB", "MB", "GB", "TB")


def number(value: float, unit: str) -> str:
    """A value in UCUM's unit: `1.25 s`, `340 ms`, `12.4 MB`, `37`, `0.2/s`, `4.1 %`, `$1.20`."""
    if unit == "s":
        return _seconds(value)
    if unit == "By":
        return _bytes(value)
    if unit == "1":
        return f"{value * 100:.3g} %" if abs(value) < 10 else _plain(value)
    if unit == "{USD}":
        return _usd(value)
    if unit.endswith("/s"):
        return f"{_plain(value)}/s"
    return _plain(value)


def bars(values: Sequence[float | None]) -> str:
    """Values as little bars, from 0 (or the least) to the largest; a space where there is none."""
    known = [value for value in values if value is not None]
    least, most = min(0.0, *known), max(known)

    def bar(value: float) -> str:
        return _BARS[min(len(_BARS) - 1, int((value - least) / ((most - least) or 1.0) * len(_BARS)))]

    return "".join(" " if value is None else bar(value) for value in values)


def _seconds(value: float) -> str:
    size = abs(value)
    if size >= 120:
        return f"{value / 60:.3g} min" if size < 7200 else f"{value / 3600:.3g} h"
    if size >= 1 or not size:
        return f"{value:.3g} s"
    return f"{value * 1e3:.3g} ms" if size >= 1e-3 else f"{value * 1e6:.3g} µs"


def _bytes(value: float) -> str:
    for unit in _BYTES[:-1]:
        if abs(value) < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} {_BYTES[-1]}"


def _usd(value: float) -> str:
    """Cents; of less than a cent two digits that say something."""
    size = abs(value)
    if not size or size >= 0.1:
        return f"${value:,.2f}"
    return f"${value:.{min(12, 1 - floor(log10(size)))}f}"


def _plain(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
