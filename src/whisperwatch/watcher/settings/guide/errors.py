"""What is made of errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from whisperwatch.watcher.settings import values
from whisperwatch.watcher.settings.reading import Group, setting


@dataclass(frozen=True, kw_only=True)
class Errors(Group):
    """Error tracking."""

    title: ClassVar[str] = "Errors"
    enabled: bool = setting(
        "ERROR_TRACKING_ENABLED",
        default=True,
        parse=values.switch,
        help="Whether errors are kept, grouped and shown by `errors`.",
        right="true or false",
        off="`errors` answers that it is off. Errors still count in metrics: health is made of them.",
        later="the `errors` command",
    )
    patterns: bool = setting(
        "ERROR_PATTERN_DETECTION",
        default=True,
        parse=values.switch,
        help="Whether errors that recur are found and shown by `errors patterns`.",
        right="true or false",
        off="`errors patterns` answers that it is off.",
        later="the `errors patterns` command",
    )
