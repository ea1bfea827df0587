"""What is written beside lines and marks: cleaned of what moves cursors, cut, and kept apart from one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

_CONTROL: Final = dict.fromkeys((*range(32), *range(127, 160)), " ")


@dataclass(frozen=True, slots=True)
class Label:
    """A text that tells of a point of a line: when (unix seconds), and where on the panel's scale."""

    text: str
    at: float
    value: float
    colour: str


def clean(text: str, most: int) -> str:
    """One line of at most so many characters."""
    one = " ".join(text.translate(_CONTROL).split())
    return one if len(one) <= most else f"{one[: most - 1].rstrip()}…"


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """The places nearest to the wanted ones (by least squares) that are `apart`, in their order, from `low` to `high`.

    Where that is too little room for all, they are nearer to one another.
    """
    apart = min(apart, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    blocks: list[list[float]] = []  # of what touches: where each would be if there were no distance to keep
    for rank, index in enumerate(order):
        blocks.append([wanted[index] - rank * apart])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            touching = blocks.pop()
            blocks[-1] += touching
    places, most = [0.0] * len(wanted), high - apart * (len(wanted) - 1)
    bases = (fmean(block) for block in blocks for _ in block)
    for rank, (index, base) in enumerate(zip(order, bases, strict=True)):
        places[index] = min(max(base, low), most) + rank * apart
    return places
