"""What is asked of metrics: a function of one metric, and what is made of such functions.

A measure is answered for each group of its `by`, at each time T of a `Grid`, from what was recorded in the window
(T - window, T]:

=========  ====================  ==========================================================================
function   of                    the answer
=========  ====================  ==========================================================================
increase   counter, histogram    what was counted in the window (of a histogram: how many measurements)
rate       counter, histogram    the same, a second: increase / window
sum        histogram             the sum of what was measured in the window
avg        histogram             sum / count of the window
avg        gauge, updowncounter  the mean of the samples in the window, of all series of the group alike
quantile   histogram             as Prometheus' `histogram_quantile`: linear within a bucket, the first from 0,
                                 what lies in the last one is its lower bound
last       gauge, updowncounter  each series' newest sample, at most `LOOK_BACK_S` old at T; of a group their sum
max, min   gauge, updowncounter  the largest, the smallest sample in the window, of all series of the group
=========  ====================  ==========================================================================

A group of which nothing was recorded has no point: nothing is not 0. A counter that was there and did not count gives
0; so does the `sum` of a histogram that was there; a mean, a quantile or a ratio of nothing is no point either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from whisperwatch.semconv import Kind

Function = Literal["increase", "rate", "sum", "avg", "quantile", "last", "max", "min"]

_SUMS: Final[frozenset[Kind]] = frozenset({"counter", "histogram"})
_LEVELS: Final[frozenset[Kind]] = frozenset({"gauge", "updowncounter"})
KINDS: Final[Mapping[Function, frozenset[Kind]]] = {
    "increase": _SUMS,
    "rate": _SUMS,
    "sum": frozenset({"histogram"}),
    "avg": _LEVELS | {"histogram"},
    "quantile": frozenset({"histogram"}),
    "last": _LEVELS,
    "max": _LEVELS,
    "min": _LEVELS,
}
"""The kinds of metric that each function makes sense of."""
LOOK_BACK_S: Final = 300
"""How old the sample may be that `last` gives: Prometheus' own default."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which values of an attribute are meant; a series without the attribute has the value "".

    Attributes:
        values: any of these, exactly; as text (`True` is "true").
        negated: none of these.
    """

    attribute: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """A function of one metric.

    Attributes:
        metric: its OpenTelemetry name.
        where: all must hold. Beside the metric's own attributes there is `service.instance.id`.
        by: the attributes that tell groups apart; none is one group of the whole service.
        quantile: from 0 to 1, of the function `quantile`.
    """

    function: Function
    metric: str
    where: tuple[Match, ...] = ()
    by: tuple[str, ...] = ()
    quantile: float | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """One measure over another. `under.by` is `over.by`, or fewer of them: then each group is divided by what it is
    part of."""

    over: Measure
    under: Measure


@dataclass(frozen=True, slots=True)
class Top:
    """The `most` groups with the largest values; of several times, with the largest mean of their points."""

    most: int
    of: Measure | Ratio


Expression = Measure | Ratio | Top
