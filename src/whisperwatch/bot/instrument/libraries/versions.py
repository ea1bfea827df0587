"""Whether a version is one that we know: the few parts of PEP 440 that our own ranges need."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Literal

Standing = Literal["older", "supported", "newer"]


def standing(version: str, supported: str) -> Standing:
    """Where a version lies: `supported` is a range such as `>=1.2,<3`, made of `>=` and `<`. Of a version only the
    release counts: a pre-release of 3.0 is 3.0."""
    release = _release(version)
    place: Standing = "supported"
    for part in supported.split(","):
        if part.startswith(">="):
            if _before(release, _release(part[2:])):
                return "older"
        elif not _before(release, _release(part[1:])):
            place = "newer"
    return place


def _release(version: str) -> tuple[int, ...]:
    found = re.match(r"\s*(?:\d+!)?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, found.group(1).split("."))) if found else ()


def _before(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    for here, there in zip_longest(one, other, fillvalue=0):
        if here != there:
            return here < there
    return False
