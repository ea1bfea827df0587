"""Variables that OpenTelemetry itself reads in the bot, where a mistake is a line in a log or a crash at import."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Final

from .reading import Problem, Reading, masked

_SAMPLERS: Final = (
    "always_on", "always_off", "traceidratio",
    "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
)  # fmt: skip
"""Those of the SDK for Python."""


def complain(reading: Reading) -> None:
    """Add what is wrong with them to the problems."""
    sampler = reading.environ.get("OTEL_TRACES_SAMPLER", "").strip()
    if sampler and sampler.lower() not in _SAMPLERS:
        reading.refuse("OTEL_TRACES_SAMPLER", "is no sampler of the SDK", ", ".join(_SAMPLERS))
    if sampler.lower().endswith("traceidratio") and not _is_share(reading.environ):
        reading.refuse("OTEL_TRACES_SAMPLER_ARG", "is no share of the traces", "a number from 0 to 1")
    _complain_of_propagators(reading)


def _is_share(environ: Mapping[str, str]) -> bool:
    try:
        return 0 <= float(environ.get("OTEL_TRACES_SAMPLER_ARG", "").strip() or 1) <= 1
    except ValueError:
        return False


def _complain_of_propagators(reading: Reading) -> None:
    names = [name.strip() for name in reading.environ.get("OTEL_PROPAGATORS", "").split(",")]
    if names == [""]:
        return
    known = entry_points(group="opentelemetry_propagator").names | {"none"}
    if wrong := [name for name in names if name not in known and name.lower() != "none"]:
        reading.add(
            Problem(
                "OTEL_PROPAGATORS",
                masked(",".join(wrong)),
                "is not installed, so OpenTelemetry can't be imported",
                f"of {', '.join(sorted(known))}, with commas between",
            )
        )
