"""OpenTelemetry names as Prometheus names them.

The rules are Prometheus' own, as its OTLP receiver applies them (github.com/prometheus/otlptranslator 1.0, with
suffixes, without UTF-8): so a series has one name, whether it comes by scrape or by OTLP. A test holds the two
against each other where Go is installed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_UNITS: Final = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tibibytes",
    "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes",
    "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
    "Cel": "celsius", "Hz": "hertz", "1": "", "%": "percent",
}  # fmt: skip
_PER_UNITS: Final = {
    "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
}  # fmt: skip
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_IN_LABELS = re.compile(r"[^a-zA-Z0-9]+")
_KNOWN: Final = 4096


class UnnamableError(ValueError):
    """Nothing that Prometheus would take is left of a name."""


@lru_cache(_KNOWN)
def metric_name(name: str, unit: str, kind: str) -> str:
    """The name of a metric, `_total` included. `kind` is a `semconv.Kind`.

    Raises:
        UnnamableError: nothing is left of it.
    """
    tokens = [token for token in _NOT_IN_NAMES.split(name) if token]
    main, per = unit_suffixes(unit)
    if main in tokens:
        main = ""
    per = per.removesuffix("_") if per != "per_" else ""
    if per in tokens:
        per = ""
    if per:
        main = main.removesuffix("_")
    tokens += [suffix for suffix in (main, per) if suffix]
    if kind == "counter":
        tokens = [token for token in tokens if token != "total"] + ["total"]
    if unit == "1" and kind == "gauge":
        tokens = [token for token in tokens if token != "ratio"] + ["ratio"]
    joined = "_".join(tokens)
    if not joined.strip("_"):
        raise UnnamableError(f"nothing that Prometheus would take is left of the metric name {name!r}")
    return f"_{joined}" if joined[0].isdigit() else joined


def unit_suffixes(unit: str) -> tuple[str, str]:
    """What a unit adds to the name, and what the part after `/` adds: `By/s` gives `bytes`, `per_second`."""
    main, _, per = unit.partition("/")
    main, per = main.strip(), per.strip()
    main = "" if "{" in main or "}" in main else _UNITS.get(main, main)
    per = "" if "{" in per or "}" in per else _PER_UNITS.get(per, per)
    return _unit(main), _unit(f"per_{per}") if per else ""


def _unit(unit: str) -> str:
    return re.sub("_+", "_", re.sub(r"[^a-zA-Z0-9:]", "_", unit)).removeprefix("_")


@lru_cache(_KNOWN)
def label_name(key: str) -> str:
    """The name of a label.

    Raises:
        UnnamableError: nothing is left of it.
    """
    reserved = len(key) >= 4 and key.startswith("__") and key.endswith("__")
    label = _NOT_IN_LABELS.sub("_", key[2:-2] if reserved else key)
    if reserved:
        label = f"__{label}__"
    if not label.strip("_"):
        raise UnnamableError(f"nothing that Prometheus would take is left of the attribute name {key!r}")
    return f"key_{label}" if label[0].isdigit() else label
