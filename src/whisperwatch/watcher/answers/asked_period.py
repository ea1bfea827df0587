"""How far back somebody asks, as it is typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from whisperwatch.questions import WrongWordsError
from whisperwatch.watcher.settings import values

_YEARS: Final = re.compile(r"(\d{1,4})y")
"""No setting is that long, but a question may be: it is cut to what is kept, and that is said."""
_YEAR_S: Final = 365 * 86_400.0


def period(arguments: Mapping[str, Any], default_s: float, name: str = "period") -> float:
    """Seconds.

    Raises:
        WrongWordsError: it is none.
    """
    given = arguments.get(name)
    if given is None:
        return default_s
    years = _YEARS.fullmatch(str(given))
    try:
        over_s = float(years[1]) * _YEAR_S if years else values.duration(given)
    except ValueError:
        over_s = 0.0
    if not 60 <= over_s < float("inf"):
        raise WrongWordsError(f"{given!r:.40} is no period: write 30m, 6h or 7d, from a minute on")
    return over_s
