"""Grafana's units of what is asked: they follow from the metric's own unit, and from what is made of it."""

from __future__ import annotations

from typing import Final

from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.language import Expression, Measure, Ratio, Top

COUNT: Final = "short"
A_MINUTE: Final = "cpm"
"""Of rates of what is counted. A bot's are small: nobody reads 0.02 a second."""
_LEVELS: Final = {"s": "s", "By": "bytes", "1": "percentunit", "{USD}": "currencyUSD"}
_RATES: Final = {"s": ("none", 1), "By": ("Bps", 1), "{USD}": ("currencyUSD", 3600)}


def unit(expression: Expression) -> tuple[str, int]:
    """The unit of an expression, and what that is of the one which the store answers in. A ratio is a share; money goes
    by the hour."""
    match expression:
        case Top(_, of):
            return unit(of)
        case Ratio():
            return "percentunit", 1
        case Measure(function, name):
            metric = DECLARED[name]
            counted = metric.kind == "histogram" and function in ("rate", "increase")
            if function == "rate":
                return (A_MINUTE, 60) if counted else _RATES.get(metric.unit, (A_MINUTE, 60))
            return COUNT if counted else _LEVELS.get(metric.unit, COUNT), 1
