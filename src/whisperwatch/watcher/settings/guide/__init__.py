"""The monitoring guide's settings whose parts come later: read, checked, shown, and said to be not yet used.

A part that comes to use one takes `later` off its declaration, and moves it to the file of its subject if it has one.
"""

from __future__ import annotations

from typing import Final

from whisperwatch.watcher.settings.reading import Group

from .alerting import Alerting
from .channels import Channels
from .dashboard import Dashboard
from .errors import Errors
from .thresholds import Thresholds

GUIDE: Final[tuple[type[Group], ...]] = (
    Errors,
    Dashboard,
    Alerting,
    Channels,
    Thresholds,
)

__all__ = [
    "GUIDE",
    "Alerting",
    "Channels",
    "Dashboard",
    "Errors",
    "Thresholds",
]
