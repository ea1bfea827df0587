"""Cells of our own metrics: found here once, kept by who updates them."""

from __future__ import annotations

from typing import Any

from whisperwatch import semconv
from whisperwatch.bot.recording.cells import Distribution, Value
from whisperwatch.bot.recording.recorder import recorder


def counting(metric: semconv.Metric, attributes: dict[str, Any]) -> Value:
    """The cell of a counter, an up-down counter or a gauge."""
    cell = recorder.instrument(metric).find(attributes)
    assert isinstance(cell, Value)
    return cell


def timing(metric: semconv.Metric, attributes: dict[str, Any]) -> Distribution:
    """The cell of a histogram."""
    cell = recorder.instrument(metric).find(attributes)
    assert isinstance(cell, Distribution)
    return cell
