"""Caches, features, feedback, conversations and security events, as the bot's code tells of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.api.names import checked
from whisperwatch.bot.instrument.bots import any_bot, bots
from whisperwatch.bot.instrument.event_roots import EventRoot
from whisperwatch.bot.instrument.security import security
from whisperwatch.bot.recording.roots import live_root


def cache_hit(cache: str) -> None:
    """The cache of this name had what was asked for: counts in `bot.cache.requests`."""
    if bots:
        _count(semconv.CACHE_REQUESTS, checked("a cache", cache), "hit", "api")


def cache_miss(cache: str) -> None:
    """The cache of this name did not have what was asked for: counts in `bot.cache.requests`."""
    if bots:
        _count(semconv.CACHE_REQUESTS, checked("a cache", cache), "miss", "api")


def feature(name: str) -> None:
    """A feature was used: counts in `bot.feature.uses`. Commands are counted without this. What models are called for
    in the same work (message, interaction, task, job) from now on is counted as this feature's."""
    if bots:
        feature = checked("a feature", name)
        _count(semconv.FEATURE_USES, feature, "api")
        if (root := live_root()) is not None:
            root.feature = feature


def feedback(value: str) -> None:
    """What a user thought of an answer: `positive`, `neutral` or `negative`; counts in `bot.feedback`.

    Raises:
        ValueError: it is none of the three.
    """
    if value not in semconv.FEEDBACK_VALUES:
        raise ValueError(f"feedback is one of {', '.join(semconv.FEEDBACK_VALUES)}, not {value!r}")
    if bots:
        _count(semconv.FEEDBACK, value, "api")


def security_event(kind: str, outcome: str, *, user: int | None = None, target: str | None = None) -> None:
    """A check of who somebody is, or what they may do, was `allowed`, `denied`, or `failed`; counts in
    `bot.security.events`, and is recorded as a log event `bot.security`. Commands that a check refuses are counted
    without this.

    Args:
        user: the id of who did it; only a keyed hash of it leaves.
        target: the name of what it was about.

    Raises:
        TypeError: the user is no int.
        ValueError: the outcome is none of the three, or a name is no name.
    """
    if outcome not in semconv.SECURITY_OUTCOMES:
        raise ValueError(
            f"a security event's outcome is one of {', '.join(semconv.SECURITY_OUTCOMES)}, not {outcome!r}"
        )
    if user is not None and not isinstance(user, int):
        raise TypeError(f"the user of a security event is an id, an int, not {type(user).__name__}")
    if bots:
        about: dict[str, Any] = {} if user is None else {semconv.USER_ID: user}
        if target is not None:
            about[semconv.SECURITY_TARGET] = checked("a security event's target", target)
        security(checked("a security event", kind), outcome, "api", about)


def conversation(key: Hashable) -> None:
    """The message that is being answered belongs to the conversation `key`; without this, to that of its user in its
    channel. The key is compared, and never leaves the process."""
    if bots:
        root: Any = live_root()
        if isinstance(root, EventRoot):
            hash(key)
            root.conversation = key


def _count(metric: semconv.Metric, *values: str) -> None:
    try:
        bot = any_bot()
        if bot is not None:
            bot.counted(metric, *values).add(1)
    except Exception:
        guard.failed(metric.name)
