"""Which of the bot's processes lived when, by what Prometheus has of `bot.start_time`.

What a process counts begins at 0 with it, and only grows. So what was counted in a window is what all processes had
counted at its end, less what they had at its start, and all that those had counted which ended in between. None of
these takes more than a look at one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from whisperwatch import semconv
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.language import Match
from whisperwatch.watcher.query.prometheus.rendering import BEFORE_S, duration
from whisperwatch.watcher.query.prometheus.selectors import INSTANCE, label_of, selector

_PIECES: Final = 120
_HOUR_S: Final = 3600
_BEFORE_MS: Final = BEFORE_S * 1000
_SAME_S: Final = 1.5
"""A start is told anew by each watcher, by a clock that is set now and then."""
PROCESS: Final = ("job", label_of(INSTANCE))
"""The labels that tell processes apart."""
Process = tuple[str, ...]
Sample = tuple[int, float]
"""Unix ms, and the value."""


class Span(NamedTuple):
    """(start, end] in unix seconds."""

    start: int
    end: int


class End(NamedTuple):
    """A process that ended.

    Attributes:
        last: the unix ms at which it was heard last.
        at: the last unix ms at which nothing of another one is there in its place.
        over: for how many ms before that nothing but it was there, at most twice `BEFORE_S`.
    """

    process: Process
    last: int
    at: int
    over: int


def starts(where: Iterable[Match], ours: str | None) -> str:
    """The selector of `bot.start_time`, of the instances that are meant."""
    instances = [one for one in where if one.attribute == INSTANCE]
    return selector(DECLARED[semconv.START_TIME.name], "", instances, ours)


def piece_s(window: Span) -> int:
    """How long the pieces are that are looked at in a window: whole hours."""
    return max(1, -(-(window.end - window.start) // (_PIECES * _HOUR_S))) * _HOUR_S


def restless(starts: str, piece: int) -> str:
    """How many processes began or ended in the piece of so many seconds that ends at a time, or shortly before it;
    nothing where there is none."""
    whole, before = duration(piece + BEFORE_S), duration(BEFORE_S)
    there = f"last_over_time({starts}[{before}])"
    return (
        f"count((changes({starts}[{whole}]) > 0)"
        f" or (count_over_time({starts}[{whole}]) unless {there})"
        f" or ({there} unless last_over_time({starts}[{before}] offset {whole})))"
        f" or count({there}) * 0"
    )


def joined(pieces: Iterable[Span]) -> list[Span]:
    """Pieces, the oldest first, as one where one follows on the other."""
    found: list[Span] = []
    for piece in pieces:
        if found and found[-1].end == piece.start:
            found[-1] = Span(found[-1].start, piece.end)
        else:
            found.append(piece)
    return found


def ends(samples: Mapping[Process, Sequence[Sample]], runs: Sequence[Span]) -> list[End]:
    """Which processes ended in restless times.

    Args:
        samples: of `bot.start_time`, of each process the oldest first, of the runs and of `BEFORE_S` before each.
        runs: the restless times.
    """
    return [
        end
        for process, told in samples.items()
        for end in _ends(process, told, runs)
        if any(run.start * 1000 <= end.at < run.end * 1000 for run in runs)
    ]


def _ends(process: Process, samples: Sequence[Sample], runs: Sequence[Span]) -> Iterator[End]:
    lives: list[tuple[int, int, float]] = []
    for at, start in samples:
        if lives and abs(lives[-1][2] - start) < _SAME_S:
            lives[-1] = lives[-1][0], at, start
        else:
            lives.append((at, at, start))
    for number, (first, last, _) in enumerate(lives, 1):
        gone = last + _BEFORE_MS
        if number < len(lives):
            gone = min(gone, lives[number][0])
        elif not any(run.start * 1000 - _BEFORE_MS < last and gone <= run.end * 1000 for run in runs):
            continue  # it lives on in quiet times
        yield End(process, last, gone - 1, min(2 * _BEFORE_MS, gone - first))
