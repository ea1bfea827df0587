"""What follows from the messages that a bot answers, without a call of its own: conversations, whether people ask the
same again or leave after an error, who was active.

Told of by roots as they are settled, so mostly in the ship's thread. What people wrote is compared here, as hashes of
words, and never leaves; who they are leaves only as keyed hashes, for counting the active ones.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from whisperwatch import semconv

if TYPE_CHECKING:
    from whisperwatch.bot.instrument.bots import Bot

GAP_S: Final = 1800
"""A conversation is over when its user has said nothing for so long."""
ASKED_AGAIN_S: Final = 60
_GAP_NS: Final = GAP_S * 1_000_000_000
_ASKED_AGAIN_NS: Final = ASKED_AGAIN_S * 1_000_000_000
_ALIKE: Final = 0.7
"""Of all words of two messages, the share that both have, from which they ask the same."""
_MOST: Final = 20_000
"""Conversations that are kept; the one that has been silent longest is over when there are more."""
_MOST_USERS: Final = 100_000
_MOST_WORDS: Final = 60
_WORD = re.compile(r"\w+")


class Conversation:
    """One user in one channel."""

    __slots__ = ("bot", "failed", "first_ns", "last_ns", "turns", "words")

    def __init__(self, bot: Bot, at_ns: int) -> None:
        self.bot = bot
        self.first_ns = self.last_ns = at_ns
        self.turns = 0
        self.failed = False
        self.words: frozenset[int] = frozenset()


class Activity:
    """Conversations that are under way, and users since they were last taken. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: OrderedDict[Any, Conversation] = OrderedDict()
        self._users: set[int] = set()

    def turn(self, bot: Bot, subject: Any, at_ns: int, failed: bool, key: Any = None) -> None:
        """A message or an interaction was answered. `key`: the conversation, where the bot's code says one."""
        user = getattr(subject, "author", None) or getattr(subject, "user", None)
        user_id = getattr(user, "id", None)
        if user_id is None:
            return
        if key is None:
            key = (id(bot), user_id, getattr(getattr(subject, "channel", None), "id", None))
        else:
            key = (id(bot), key)
        running = self._running.get(key)
        if running is None or user_id not in self._users:  # else it is known that this is a person
            if getattr(user, "bot", False):
                return
            if len(self._users) < _MOST_USERS:
                self._users.add(user_id)
        words = _words(getattr(subject, "content", None))
        try:
            if running is not None and at_ns - running.last_ns < _GAP_NS:
                self._running.move_to_end(key)
                if words and at_ns - running.last_ns <= _ASKED_AGAIN_NS and _alike(running.words, words):
                    bot.counted(semconv.FEEDBACK, "negative", "asked_again").add(1)
            else:
                running = self._begin(key, bot, at_ns)
        except (KeyError, RuntimeError):  # another thread has just ended it
            running = self._begin(key, bot, at_ns)
        running.last_ns, running.failed, running.words = at_ns, failed, words
        running.turns += 1

    def _begin(self, key: Any, bot: Bot, at_ns: int) -> Conversation:
        with self._lock:
            running = self._running.pop(key, None)
            if running is not None and at_ns - running.last_ns >= _GAP_NS:
                _over(running)
                running = None
            if running is None:
                running = Conversation(bot, at_ns)
                bot.counted(semconv.CONVERSATIONS).add(1)
            self._running[key] = running
            if len(self._running) > _MOST:
                _over(self._running.popitem(last=False)[1])
            return running

    def expire(self, now_ns: int) -> None:
        """End the conversations that have been silent for `GAP_S`."""
        with self._lock:
            while self._running:
                try:
                    key, oldest = next(iter(self._running.items()))
                except RuntimeError:  # `turn` has moved one at this moment: the next collection goes on
                    return
                if now_ns - oldest.last_ns < _GAP_NS:
                    return
                del self._running[key]
                _over(oldest)

    def take_users(self, most: int) -> list[int]:
        """Up to `most` ids of users who were active since they were last taken."""
        with self._lock:
            return [self._users.pop() for _ in range(min(most, len(self._users)))]

    def forget(self) -> None:
        """At `uninstrument()`, and in a forked child, whose lock another thread may hold."""
        self._lock = threading.Lock()
        self._running.clear()
        self._users.clear()


def _over(conversation: Conversation) -> None:
    bot = conversation.bot
    bot.timed(semconv.CONVERSATION_TURNS).record(conversation.turns)
    bot.timed(semconv.CONVERSATION_DURATION).record((conversation.last_ns - conversation.first_ns) / 1e9)
    end = "error" if conversation.failed else "one_turn" if conversation.turns == 1 else "more"
    bot.counted(semconv.CONVERSATION_ENDS, end).add(1)
    if conversation.failed:
        bot.counted(semconv.FEEDBACK, "negative", "left_after_error").add(1)


def _words(text: Any) -> frozenset[int]:
    if not isinstance(text, str) or len(text.split(None, 1)) < 2:  # one word is too little to be compared
        return _NO_WORDS
    return frozenset(map(hash, _WORD.findall(text[:2000].lower())[:_MOST_WORDS]))


_NO_WORDS: frozenset[int] = frozenset()


def _alike(one: frozenset[int], other: frozenset[int]) -> bool:
    if len(one) < 2 or len(other) < 2:
        return False
    return len(one & other) / len(one | other) >= _ALIKE


activity = Activity()
"""This process's."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=activity.forget)


def expire_conversations() -> None:
    """End what has been silent for long; called at each collection."""
    activity.expire(time.monotonic_ns())


_LIKED = frozenset("👍❤🧡💛💚💙💜🩷😍🥰😂🤣😄😊🎉🔥💯👏🙏✅⭐")
_DISLIKED = frozenset("👎😠😡🤬💔❌🤮💩😒🙄")


def reacted(bot: Bot, data: Any) -> None:
    """Somebody has reacted (MESSAGE_REACTION_ADD) to what may be a message of the bot's."""
    client = bot.client()
    user = None if client is None else client.user
    if (
        user is None
        or str(data.get("message_author_id")) != str(user.id)
        or str(data.get("user_id")) == str(user.id)
    ):
        return
    first = ((data.get("emoji") or {}).get("name") or " ")[0]
    if first in _LIKED:
        bot.counted(semconv.FEEDBACK, "positive", "reaction").add(1)
    elif first in _DISLIKED:
        bot.counted(semconv.FEEDBACK, "negative", "reaction").add(1)
