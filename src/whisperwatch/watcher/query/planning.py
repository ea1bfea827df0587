"""What a question about metrics needs of a store, and what is made of it: ratios, comparisons, the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from whisperwatch.watcher.query import combining
from whisperwatch.watcher.query.answers import MetricAnswer, Problem, Series
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.language import Grid, Measure, MetricQuestion
from whisperwatch.watcher.query.language.checking import check, measures_of
from whisperwatch.watcher.query.resolving import Kept, grid


@dataclass(frozen=True, slots=True)
class Need:
    """A measure, and the times at which it is needed."""

    measure: Measure
    metric: Known
    grid: Grid

    @property
    def data(self) -> Need:
        """What of a store it is made of: quantiles of one histogram are made of the same."""
        return replace(self, measure=replace(self.measure, quantile=None))


@dataclass(frozen=True, slots=True)
class Met:
    """What a store says to a need, and what failed."""

    series: Sequence[Series] = ()
    problems: tuple[Problem, ...] = ()


def by_data(needs: Iterable[Need]) -> list[list[Need]]:
    """Each need once, beside those that are made of the same data."""
    found: dict[Need, dict[Need, None]] = {}
    for need in needs:
        found.setdefault(need.data, {})[need] = None
    return [list(some) for some in found.values()]


class Plan:
    """How one question is answered.

    Args:
        known: the metrics that there are.
        now: unix seconds.

    Raises:
        QuestionError: the question makes no sense, or its period means no time.
    """

    def __init__(self, question: MetricQuestion, known: Mapping[str, Known], now: float, kept: Kept) -> None:
        check(question.expression, known)
        self._question, self._known = question, known
        measures = measures_of(question.expression)
        grids = {one: grid(question.period, now, kept, newest=one.function == "last") for one in measures}
        self._grids: dict[Measure, Grid] = {one: asked for one, (asked, _) in grids.items()}
        self._notes = tuple(dict.fromkeys(note for _, said in grids.values() for note in said))
        self._main = self._grids[measures[0]]

    @property
    def needs(self) -> Iterator[Need]:
        """What has to be known for it."""
        for measure in self._grids:
            yield self._need(measure, 0)
            if self._question.compared_s is not None:
                yield self._need(measure, self._moved_s(measure))

    def answer(self, met: Mapping[Need, Met]) -> MetricAnswer:
        """The answer, of what its needs were answered with."""
        question = self._question
        series = combining.combine(question.expression, lambda one: self._series(one, 0, met), self._grids)
        if question.compared_s is not None:
            inner = combining.untopped(question.expression)
            before = combining.combine(
                inner, lambda one: self._series(one, self._moved_s(one), met), self._grids
            )
            series = combining.beside(series, before, whole=inner is question.expression)
        problems = [problem for need in self.needs for problem in met[need].problems]
        unit = combining.unit(question.expression, self._known)
        return told(series, unit, self._main, self._notes, problems)

    def _need(self, measure: Measure, moved_s: int) -> Need:
        return Need(measure, self._known[measure.metric], self._grids[measure].moved(-moved_s))

    def _series(self, measure: Measure, moved_s: int, met: Mapping[Need, Met]) -> list[Series]:
        return [combining.moved(one, moved_s) for one in met[self._need(measure, moved_s)].series]

    def _moved_s(self, measure: Measure) -> int:
        """How many seconds earlier it is asked for, too, where it is compared."""
        asked, compared_s = self._grids[measure], self._question.compared_s
        whole = asked.window if len(asked) == 1 else len(asked) * asked.step
        step = asked.step if len(asked) > 1 else 1
        return max(1, round(compared_s / step)) * step if compared_s else whole


def told(
    series: Sequence[Series], unit: str, asked: Grid, notes: tuple[str, ...], problems: Sequence[Problem]
) -> MetricAnswer:
    """The answer with these series, the largest newest value first."""
    ordered = tuple(sorted(series, key=combining.newest, reverse=True))
    step = asked.step if len(asked) > 1 else 0
    return MetricAnswer(
        ordered, unit, asked.start, asked.last, step, notes=notes, problems=tuple(dict.fromkeys(problems))
    )
