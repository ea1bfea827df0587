"""Several questions at once, and what came of them: figures with what they were before, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.query.answers import MetricAnswer
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import MetricQuestion
from whisperwatch.watcher.query.language.literals import LONGEST_S
from whisperwatch.watcher.query.language.parsing import parse
from whisperwatch.watcher.query.language.printing import seconds

_POINTS: Final = 24
_LEAST_STEP_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and what it was in the period before. None is not known, and never 0. `unit` is UCUM's."""

    value: float | None = None
    unit: str = "1"
    before: float | None = None

    @property
    def change(self) -> float | None:
        """The relative change; None where there is nothing to compare with."""
        if self.value is None or not self.before:
            return None
        return self.value / self.before - 1

    def __add__(self, other: Figure) -> Figure:
        """The sum of what is known, in its unit."""
        unit = other.unit if self.value is None and self.before is None else self.unit
        return Figure(_sum(self.value, other.value), unit, _sum(self.before, other.before))

    def over(self, whole: Figure) -> Figure:
        """Its share of a whole. What isn't known of it is none of the whole."""
        return Figure(_share(self.value, whole.value), "1", _share(self.before, whole.before))


@dataclass(frozen=True, slots=True)
class Basis:
    """What a report rests on.

    Attributes:
        start, end: of which time it tells (unix seconds).
        store: who answered.
        notes: what was done to the period.
        missing: what failed, in sentences.
    """

    start: float
    end: float
    store: str
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def over_s(self) -> float:
        return self.end - self.start


class Figures:
    """Answers, by the names under which they were asked for."""

    def __init__(self, answers: Mapping[str, MetricAnswer], store: str) -> None:
        self._answers, self._store = answers, store

    @property
    def basis(self) -> Basis:
        answers = self._answers.values()
        return Basis(
            min(one.start for one in answers),
            max(one.end for one in answers),
            self._store,
            tuple(dict.fromkeys(note for one in answers for note in one.notes)),
            tuple(dict.fromkeys(problem.what for one in answers for problem in one.problems)),
        )

    def figure(self, name: str) -> Figure:
        """Of a question without groups."""
        return next(iter(self.groups(name).values()), Figure(unit=self._answers[name].unit))

    def groups(self, name: str) -> dict[str, Figure]:
        """By the value of the question's one attribute, the largest first."""
        answer = self._answers[name]
        return {
            next(iter(series.group.values()), ""): Figure(
                series.points[-1][1] if series.points else None,
                answer.unit,
                series.before[-1][1] if series.before else None,
            )
            for series in answer.series
        }

    def trend(self, name: str) -> tuple[float | None, ...]:
        """The points of a question without groups, one for each step; None where there is none."""
        return next(iter(self.trends(name).values()), (None,) * len(self.times(name)))

    def trends(self, name: str) -> dict[str, tuple[float | None, ...]]:
        """The same by the value of the question's one attribute; only of groups that there are."""
        times = self.times(name)
        found = {}
        for series in self._answers[name].series:
            points = dict(series.points)
            found[next(iter(series.group.values()), "")] = tuple(points.get(at) for at in times)
        return found

    def step_s(self, name: str) -> float:
        """The distance of the points, which may be further apart than was asked for."""
        answer = self._answers[name]
        return float(answer.step or max(1, answer.end - answer.start))  # one point is of the whole period

    def times(self, name: str) -> tuple[int, ...]:
        """Of the points of `trend`: the ends, in unix seconds, of the steps that they tell of."""
        answer, step = self._answers[name], round(self.step_s(name))
        return tuple(range(answer.start + step, answer.end + 1, step))


async def ask(asking: Asking, expressions: Mapping[str, str], over_s: float, every_s: float = 0) -> Figures:
    """Ask all of it at once, over the same time: one point compared with the period before, or one each `every_s`.

    Raises:
        QuestionError: nobody keeps metrics, or the period means no time.
    """
    over_s = min(over_s, LONGEST_S)  # longer than anything is kept, which the answer says
    how = f"over {seconds(over_s)} " + (f"every {seconds(every_s)}" if every_s else "compared")
    asked = [parse(f"{expression} {how}") for expression in expressions.values()]
    answers = await asking.several([one for one in asked if isinstance(one, MetricQuestion)])
    return Figures(dict(zip(expressions, answers, strict=True)), asking.metrics_store)


async def ask_in_steps(asking: Asking, expressions: Mapping[str, str], over_s: float) -> Figures:
    """The same in two dozen points; in fewer, where so many aren't kept."""
    return await ask(asking, expressions, over_s, max(_LEAST_STEP_S, round(over_s / _POINTS)))


def _sum(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return sum(known) if known else None


def _share(part: float | None, whole: float | None) -> float | None:
    return (part or 0.0) / whole if whole else None
