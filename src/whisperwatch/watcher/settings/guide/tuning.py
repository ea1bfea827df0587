"""What the guide has people tune in the bot itself. Nothing of it changes the bot yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from whisperwatch.watcher.settings import values
from whisperwatch.watcher.settings.reading import Group, setting

_LATER: Final = "the tuning of the bot by `config set`"
_UNSET: Final = "the bot's own"


@dataclass(frozen=True, kw_only=True)
class Tuning(Group):
    """Memory and database of the bot."""

    title: ClassVar[str] = "Tuning the bot"
    memory: bool | None = setting(
        "MEMORY_OPTIMIZATION_ENABLED",
        default=None,
        parse=values.switch,
        help="Whether the bot is to save memory.",
        right="true or false",
        unset=_UNSET,
        off="The bot's memory is left alone.",
        later=_LATER,
    )
    cleanup_s: float | None = setting(
        "MEMORY_CLEANUP_INTERVAL",
        default=None,
        parse=values.seconds,
        help="How often it is to tidy up. Plain numbers are seconds.",
        right="a duration such as 5m",
        unset=_UNSET,
        later=_LATER,
    )
    pool_size: int | None = setting(
        "DATABASE_POOL_SIZE",
        default=None,
        parse=values.whole(1, 10_000),
        help="How many connections its pools are to have.",
        right="a whole number from 1 to 10000",
        unset=_UNSET,
        later=_LATER,
    )
    database_timeout_s: float | None = setting(
        "DATABASE_TIMEOUT",
        default=None,
        parse=values.seconds,
        help="How long a statement may take. Plain numbers are seconds.",
        right="a duration such as 30s",
        unset=_UNSET,
        later=_LATER,
    )
