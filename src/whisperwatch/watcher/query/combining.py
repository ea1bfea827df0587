"""What is made of the answers to measures: ratios, the top, comparisons; and the unit that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.language import Expression, Grid, Measure, Ratio, Top

Answers = Callable[[Measure], list[Series]]


def combine(expression: Expression, answers: Answers, grids: Mapping[Measure, Grid]) -> list[Series]:
    """The series of an expression; of a ratio, at the times of its first part."""
    match expression:
        case Measure():
            return answers(expression)
        case Ratio(over, under):
            return _ratio(over, under, answers(over), answers(under), grids)
        case Top(most, of):
            return sorted(combine(of, answers, grids), key=_mean, reverse=True)[:most]


def untopped(expression: Expression) -> Measure | Ratio:
    """An expression without its `top`."""
    return expression.of if isinstance(expression, Top) else expression


def moved(series: Series, by_s: int) -> Series:
    """The same, so much later."""
    return (
        replace(series, points=tuple((at + by_s, value) for at, value in series.points)) if by_s else series
    )


def beside(now: Sequence[Series], before: Sequence[Series], *, whole: bool) -> list[Series]:
    """Each series with what was before. `whole`: also those that are only there."""
    earlier = {tuple(one.group.items()): one.points for one in before}
    found = [replace(one, before=earlier.pop(tuple(one.group.items()), ())) for one in now]
    if whole:
        found += [Series(dict(group), (), points) for group, points in earlier.items() if points]
    return found


def unit(expression: Expression, metrics: Mapping[str, Known]) -> str:
    """UCUM's unit of what an expression gives."""
    match expression:
        case Top(_, of):
            return unit(of, metrics)
        case Ratio(over, under):
            above, below = unit(over, metrics), unit(under, metrics)
            return (
                "1"
                if above == below or (above.startswith("{") and below.startswith("{"))
                else f"{above}/{below}"
            )
        case Measure(function, name):
            metric = metrics[name]
            counted = "{measurement}" if metric.kind == "histogram" else metric.unit
            if function == "increase":
                return counted
            return f"{counted}/s" if function == "rate" else metric.unit


def _ratio(
    over: Measure,
    under: Measure,
    above: Sequence[Series],
    below: Sequence[Series],
    grids: Mapping[Measure, Grid],
) -> list[Series]:
    """Each group of the first by its group of the second; the times of both go by their place."""
    first, second = grids[over], grids[under]
    shift = first.last - second.last
    divisors = {tuple(one.group[key] for key in under.by): dict(one.points) for one in below}
    found = []
    for one in above:
        divisor = divisors.get(tuple(one.group[key] for key in under.by), {})
        points = tuple(
            (at, value / divisor[at - shift]) for at, value in one.points if divisor.get(at - shift)
        )
        if points:
            found.append(replace(one, points=points))
    return found


def newest(series: Series) -> float:
    """The newest value; less than any where there is none."""
    return series.points[-1][1] if series.points else float("-inf")


def _mean(series: Series) -> float:
    return sum(value for _, value in series.points) / len(series.points) if series.points else float("-inf")
