"""Conversations, feedback and active users, as they follow from what people write."""

from __future__ import annotations

import os
from collections import OrderedDict
from types import SimpleNamespace

import pytest

import whisperwatch
from whisperwatch import semconv
from whisperwatch.bot.instrument import activity as watched
from whisperwatch.bot.instrument.activity import GAP_S, Activity, activity

BOT = {"bot": "loopback-bot"}
MINUTE = 60 * 10**9


@pytest.fixture(autouse=True)
def nobody():
    activity.forget()
    yield
    activity.forget()


class Told:
    """Stands for a bot: what was counted."""

    def __init__(self):
        self.counts = {}
        self.records = []

    def counted(self, metric, *values):
        def add(amount):
            self.counts[metric.name, *values] = self.counts.get((metric.name, *values), 0) + amount

        return SimpleNamespace(add=add)

    def timed(self, metric, *values):
        return SimpleNamespace(record=lambda value: self.records.append((metric.name, value)))


def message(text="", user=1, channel=1, bot=False):
    return SimpleNamespace(
        author=SimpleNamespace(id=user, bot=bot), channel=SimpleNamespace(id=channel), content=text
    )


def test_a_conversation_that_another_thread_ends_at_this_moment_begins_anew():
    class Ending(OrderedDict):
        def move_to_end(self, key, last=True):
            del self[key]
            super().move_to_end(key, last)

    bot, own = Told(), Activity()
    own._running = Ending()
    for minute in (0, 1):
        own.turn(bot, message(), minute * MINUTE, failed=False)
    assert bot.counts == {("bot.conversations",): 2}
    assert [running.turns for running in own._running.values()] == [1]


def test_a_conversation_that_another_thread_moves_at_this_moment_is_ended_the_next_time():
    class Moving(OrderedDict):
        moves = True

        def items(self):
            items = iter(super().items())
            if self.moves:
                self.moves = False
                self.move_to_end(next(iter(self)))
            return items

    bot, own = Told(), Activity()
    own._running = Moving()
    for user in (1, 2):
        own.turn(bot, message(user=user), 0, failed=False)
    own.expire(GAP_S * 10**9)
    assert len(own._running) == 2
    own.expire(GAP_S * 10**9)
    assert len(own._running) == 0


def test_a_conversation_ends_when_nothing_was_said_for_half_an_hour():
    bot, own = Told(), Activity()
    for minute in (0, 29, 58):
        own.turn(bot, message(), minute * MINUTE, failed=False)
    own.turn(bot, message(user=2), 58 * MINUTE, failed=False)
    own.turn(bot, message(channel=2), 58 * MINUTE, failed=False)
    assert bot.counts == {("bot.conversations",): 3}
    own.expire(87 * MINUTE)
    assert bot.records == []
    own.turn(bot, message(), 88 * MINUTE, failed=False)
    assert bot.records == [("bot.conversation.turns", 3), ("bot.conversation.duration", 58 * 60.0)]
    own.expire((88 + GAP_S // 60) * MINUTE)
    assert len(bot.records) == 8
    ends = {("bot.conversation.ends", "more"): 1, ("bot.conversation.ends", "one_turn"): 3}
    assert bot.counts == {("bot.conversations",): 4, **ends}


@pytest.mark.parametrize(
    ("first", "again", "after_s", "counts"),
    [
        ("what is the capital of peru", "What is the capital of Peru??", 30, True),
        ("what is the capital of peru", "and how many people live there", 30, False),
        ("what is the capital of peru", "what is the capital of peru", 61, False),
        ("ok", "ok", 5, False),
    ],
)
def test_the_same_asked_again_soon_is_dissatisfaction(first, again, after_s, counts):
    bot, own = Told(), Activity()
    own.turn(bot, message(first), 0, failed=False)
    own.turn(bot, message(again), after_s * 10**9, failed=False)
    assert (("bot.feedback", "negative", "asked_again") in bot.counts) == counts


def test_who_leaves_after_an_error_was_not_content():
    bot, own = Told(), Activity()
    own.turn(bot, message(), 0, failed=True)
    own.turn(bot, message(user=2), 0, failed=True)
    own.turn(bot, message(user=2), MINUTE, failed=False)
    own.expire(60 * MINUTE)
    assert bot.counts["bot.feedback", "negative", "left_after_error"] == 1
    assert bot.counts["bot.conversation.ends", "error"] == 1


def test_bots_and_nobody_hold_no_conversation():
    bot, own = Told(), Activity()
    own.turn(bot, message(bot=True), 0, failed=False)
    own.turn(bot, SimpleNamespace(), 0, failed=False)
    assert bot.counts == {}
    assert own.take_users(10) == []


def test_active_users_are_taken_once(monkeypatch):
    monkeypatch.setattr(watched, "_MOST_USERS", 3)
    bot, own = Told(), Activity()
    for user in (1, 2, 2, 3, 4):
        own.turn(bot, message(user=user), 0, failed=False)
    assert sorted(own.take_users(2) + own.take_users(10)) == [1, 2, 3]
    assert own.take_users(10) == []


def test_a_forked_child_begins_anew_also_while_the_lock_is_held():
    """Else what the parent has seen would be told twice, and the child would wait for a lock that nobody lets go."""
    activity.turn(Told(), message(user=7), 0, failed=False)
    with activity._lock:
        child = os.fork()
        if not child:
            os._exit(len(activity.take_users(10)) if not activity._lock.locked() else 77)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert activity.take_users(10) == [7]


def test_conversations_are_bounded(monkeypatch):
    monkeypatch.setattr(watched, "_MOST", 10)
    bot, own = Told(), Activity()
    for user in range(25):
        own.turn(bot, message(user=user), user, failed=False)
    assert len(own._running) == 10
    assert bot.counts == {("bot.conversations",): 25, ("bot.conversation.ends", "one_turn"): 15}
    assert len(bot.records) == 30


async def test_of_a_real_bot(server, run, bot, tape):
    @bot.command()
    async def ask(ctx, *, question):
        if question == "together":
            whisperwatch.conversation("ours")
        await ctx.send("an answer")

    async with run(server, bot):
        ada, bob = server.user("ada"), server.user("bob")
        await ada.say("!ask what is the capital of peru")
        await ada.say("!ask what is the capital of Peru?")
        await ada.say("not for the bot")
        await ada.say("!ask together")
        await bob.say("!ask together")
    tape.spans()
    assert tape.cells(semconv.CONVERSATIONS, **BOT) == {(): 2}
    assert tape.cells(semconv.FEEDBACK, **BOT)["negative", "asked_again"] >= 1
    assert sorted(activity.take_users(10)) == sorted([ada.id, bob.id])


async def test_reactions_to_the_bots_messages_are_feedback(server, run, bot, tape):
    @bot.command()
    async def ask(ctx):
        await ctx.send("an answer")

    async with run(server, bot):
        ada = server.user("ada")
        asked = await ada.say("!ask")
        answer = await server.reply_to(asked)
        for message, emoji in ((answer, "👍"), (answer, "👎"), (answer, "🤔"), (asked, "👍")):
            await ada.react(message, emoji)
    assert tape.cells(semconv.FEEDBACK, **BOT) == {("positive", "reaction"): 1, ("negative", "reaction"): 1}
