"""Caches, features, feedback, conversations and security events, as the bot's code tells of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
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
        _count(semconv.CACHE_REQUESTS, checked("cache_hit", cache), "hit", "api")


def cache_miss(cache: str) -> None:
    """The cache of this name did not have what was asked for: counts in `bot.cache.requests`."""
    if bots:
        _count(semconv.CACHE_REQUESTS, checked("cache_miss", cache), "miss", "api")


def feature(name: str) -> None:
    """A feature was used: counts in `bot.feature.uses`. Commands are counted without this. What models are called for
    in the same work (message, interaction, task, job) from now on is counted as this feature's."""
    if bots:
        feature = checked("feature", name)
        _count(semconv.FEATURE_USES, feature, "api")
        if feature is not None and (root := live_root()) is not None:
            root.feature = feature


def feedback(value: str) -> None:
    """What a user thought of an answer: `positive`, `neutral` or `negative`; counts in `bot.feedback`."""
    if bots:
        _count(semconv.FEEDBACK, _one_of("feedback", value, semconv.FEEDBACK_VALUES), "api")


def security_event(kind: str, outcome: str, *, user: int | None = None, target: str | None = None) -> None:
    """A check of who somebody is, or what they may do, was `allowed`, `denied`, or `failed`; counts in
    `bot.security.events`, and is recorded as a log event `bot.security`. Commands that a check refuses are counted
    without this.

    Args:
        user: the id of who did it; only a keyed hash of it leaves.
        target: the name of what it was about.
    """
    if bots:
        about: dict[str, Any] = {}
        if user is not None:
            if guard.is_a(user, int):
                about[semconv.USER_ID] = user
            else:
                guard.mistaken("security_event", "the user is an id, an int")
        if target is not None and (known := checked("security_event", target, "target")) is not None:
            about[semconv.SECURITY_TARGET] = known
        name = checked("security_event", kind, "kind")
        said = _one_of("security_event", outcome, semconv.SECURITY_OUTCOMES)
        if name is not None and said is not None:
            security(name, said, "api", about)


def conversation(key: Hashable) -> None:
    """The message that is being answered belongs to the conversation `key`; without this, to that of its user in its
    channel. The key is compared, and never leaves the process."""
    if bots:
        root: Any = live_root()
        if isinstance(root, EventRoot):
            try:
                hash(key)
            except Exception:
                guard.mistaken("conversation", "the key can be hashed")
            else:
                root.conversation = key


def _one_of(call: str, value: object, known: Sequence[str]) -> str | None:
    if isinstance(value, str) and value in known:
        return value
    guard.mistaken(call, f"it is one of {', '.join(known)}")
    return None


def _count(metric: semconv.Metric, first: str | None, *rest: str) -> None:
    """Count one, unless the first of the values was none."""
    if first is None:
        return
    try:
        bot = any_bot()
        if bot is not None:
            bot.counted(metric, first, *rest).add(1)
    except Exception:
        guard.failed(metric.name)
