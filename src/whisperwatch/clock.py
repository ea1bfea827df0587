"""Whether this machine's clock is right: by Discord's, whose time the bot lives by."""

from __future__ import annotations

import time
import urllib.request
from email.utils import parsedate_to_datetime
from typing import Final

from discord.http import Route

from whisperwatch.version import __version__

_TIMEOUT_S: Final = 4.0
_RESOLUTION_S: Final = 1.0
"""Of the header `Date`."""
TOLERATED_S: Final = 3.0


class UnreadableClockError(OSError):
    """Discord's clock can't be read."""


def offset_s() -> float:
    """How far this machine's clock is ahead of Discord's, in seconds, to about one.

    Raises:
        UnreadableClockError: Discord can't be reached, or tells no time.
    """
    request = urllib.request.Request(
        f"{Route.BASE}/gateway", headers={"User-Agent": f"DiscordBot (whisperwatch, {__version__})"}
    )
    before = time.time()
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            told = parsedate_to_datetime(str(response.headers["Date"])).timestamp()
    except (OSError, ValueError, TypeError) as error:
        raise UnreadableClockError(f"Discord's clock could not be read ({type(error).__name__})") from None
    return (before + time.time()) / 2 - (told + _RESOLUTION_S / 2)


def finding(ahead_s: float) -> str | None:
    """What is wrong, as a sentence; None when the clock is right."""
    if abs(ahead_s) <= TOLERATED_S:
        return None
    way = "ahead of" if ahead_s > 0 else "behind"
    return (
        f"This machine's clock is {abs(ahead_s):.0f} s {way} Discord's: times in traces and logs are wrong by as much. "
        "Have it set by NTP."
    )
