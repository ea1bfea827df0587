"""Everything that can be asked, asked of the demo's bot after people did something: it is answered, within Discord's
limits, to admins alone, and the numbers are those of the people's own ledgers. One demo, for all tests.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from rich.console import Console

from whisperwatch import ask, semconv
from whisperwatch.demo import sayings
from whisperwatch.demo.admins import Admins, Asked
from whisperwatch.demo.ledgers import Done
from whisperwatch.demo.loopback import GuildPlan, Message, Person
from whisperwatch.demo.loopback.bodies import check
from whisperwatch.demo.receiver import ReceivedSpan
from whisperwatch.demo.show import Options, Show
from whisperwatch.demo.stage import Stage
from whisperwatch.questions import COMPONENTS, GROUPS, QUESTIONS
from whisperwatch.watcher.answers.numbers import number

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
SPELLINGS = re.findall(r"`!([^`\n]+)`", PAGE.partition("## What it looks")[0])
"""Every spelling of the page, which has those of the guide."""
ADMINS = [f"admin-{n}" for n in range(14)]
AT_ONCE = 6
"""Of sixteen that the bot answers at once: one that is answered is over a moment later."""
FOREIGN = "Elsewhere"
PEOPLE = 10
ACT_S = 6.0
DEADLINE_S = 60.0
SILENT_WITHIN_S = 3.0
NONSENSE = re.compile(r"\b(None(?! is wrong)|nan|inf|Traceback)\b|\{\}|<class")


@dataclass
class Scene:
    """The stage after the people have left, what they did, and what the admins were answered, by what they typed."""

    stage: Stage
    people: list[Person]
    done: Done
    trace: list[ReceivedSpan]
    asked: dict[str, Asked] = field(default_factory=dict)

    def text(self, typed: str) -> str:
        """An answer's title, description and fields, each line of it, as Discord shows them."""
        return text(self.asked[typed].answer)

    def calls(self, name: str) -> int:
        """How often the people called a command, in whatever way it ended."""
        return sum(count for (called, _, _), count in self.done.commands.items() if called == name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene() -> AsyncIterator[Scene]:
    stage = Stage([].append)
    people = [stage.discord.user(name) for name in ADMINS]
    stage.discord.core.answer_deadline = DEADLINE_S  # this is no test of how busy a machine may be
    stage.settings["ADMIN_USER_IDS"] = ",".join(str(one.id) for one in people)
    async with stage:
        rooms = tuple(f"room-{n}" for n in range(6))
        await stage.discord.add_guild(GuildPlan(FOREIGN, rooms, (), "stranger"))
        show = Show(stage, Options(for_s=ACT_S, users=PEOPLE), Console(file=io.StringIO()))
        await show.run()
        assert [row for row in await show.check() if not row.ok] == []
        done = await stage.ledgers.read()
        await until_told(stage, f"Answers: {handled(done)}")
        made = Scene(stage, people, done, talk(stage))
        try:
            await ask_everything(made)
        except TimeoutError as error:
            assert stage.bot is not None
            raise AssertionError(f"{error}; the bot's log ends with {stage.bot.tail()}") from None
        yield made


# --- what they are answered -------------------------------------------------------------------------------------


async def test_every_answer_fits_and_pings_nobody(scene: Scene) -> None:
    for asked in scene.asked.values():
        for message in asked.answers:
            check(message)
            assert message.mentions == [], (asked.said, message.content, message.embeds)
            assert not message.mention_everyone
            title = message.embeds[0]["title"]
            assert title not in ("❔ Not understood", "❔ No answer") or "dashboard" in asked.said, asked.said
            assert not NONSENSE.search(text(message)), asked.said


async def test_no_answer_tells_of_anybody(scene: Scene) -> None:
    secrets = {*sayings.NAMES[:PEOPLE], *sayings.TOPICS, scene.stage.discord.token}
    secrets |= {str(message.author.id) for message in scene.stage.discord.ledger.messages}
    words = re.compile(rf"\b({'|'.join(map(re.escape, secrets))})\b")
    told = {said: found[0] for said in scene.asked if (found := words.search(scene.text(said)))}
    assert told == {}


async def test_what_is_private_comes_by_direct_message(scene: Scene) -> None:
    said, sent = scene.asked["logs in a channel"].answers
    assert said.embeds[0]["title"] == "Sent to you"
    assert sent.channel is scene.asked["logs in a channel"].who.direct_channel
    assert sent.embeds[0]["title"] == "Logs, last 24 hours"


async def test_nothing_of_ours_failed(scene: Scene) -> None:
    assert scene.stage.bot is not None
    log = scene.stage.bot.log.read_text()
    assert "could not be answered" not in log
    assert (await scene.stage.measured()).total(semconv.SELF_INTERNAL_ERRORS) == 0


# --- the numbers ------------------------------------------------------------------------------------------------


async def test_performance(scene: Scene) -> None:
    done, told = scene.done, scene.text("performance")
    failed = sum(count for (_, _, outcome), count in done.commands.items() if outcome == "failure")
    assert counted(told, "Answers") == handled(done)
    assert counted(told, "Failed") == failed
    assert calls(told, "LLM") == done.model_answers
    assert calls(told, "Discord") == sum(done.requests.values())
    assert calls(told, "Memory") == sum(done.memories.values())
    slowest = re.findall(r"(?m)^(.+): P95 .+, (\S+) calls?$", told.partition("Slowest commands")[2])
    assert {name: int(count) for name, count in slowest} == {name: scene.calls(name) for name, _ in slowest}
    assert slowest


async def test_components(scene: Scene) -> None:
    done = scene.done
    expected = {
        "llm": done.model_answers,
        "memory": sum(done.memories.values()),
        "discord": sum(done.requests.values()),
    }
    for name, count in expected.items():
        assert counted(scene.text(f"performance component {name}"), "Calls") == count
        assert counted(scene.text(f"/watch performance component {name}"), "Calls") == count


async def test_history_adds_up(scene: Scene) -> None:
    told = scene.text("performance history --period 24h")
    assert f"Answers: {handled(scene.done)}" in told


async def test_engagement(scene: Scene) -> None:
    done, told = scene.done, scene.text("engagement")
    liked = done.feedback["positive", "reaction"]
    judged = sum(done.feedback.values())
    assert f"{done.users} users were answered today." in told
    assert counted(told, "Begun") == done.conversations
    assert not judged or f"Liked: {number(liked / judged, '1')}" in told
    used = re.findall(r"(?m)^(.+): (\d+)$", told.partition("Used most")[2])
    assert {name: int(count) for name, count in used} == {name: scene.calls(name) for name, _ in used}
    assert len(used) == 5


async def test_cache(scene: Scene) -> None:
    done, told = scene.done, scene.text("cache")
    assert counted(told, "Look-ups") == sum(done.lookups.values())
    assert f"Hits: {number(done.lookups['hit'] / sum(done.lookups.values()), '1')}" in told


async def test_memory(scene: Scene) -> None:
    told = scene.text("memory")
    assert scene.text("memory status") == told
    for operation, count in scene.done.memories.items():
        assert counted(told.partition(operation.capitalize())[2], "Operations") == count
        assert counted(told.partition(operation.capitalize())[2], "Failed") == 0


async def test_logs_and_traces(scene: Scene) -> None:
    failed = scene.done.commands["oracle", "prefix", "failure"]
    told = scene.text("logs search oracle --level error")
    assert told.count("command oracle failed") == min(failed, 20)
    trace = scene.text(f"trace {scene.trace[0].trace_id}")
    assert f", {len(scene.trace)} spans, " in trace
    assert all(span.name in trace for span in scene.trace)


async def test_a_setting_is_changed_and_changed_back(scene: Scene) -> None:
    admins, who = Admins(scene.stage.discord), scene.people[0]
    said = [
        text((await admins.uses(who, "watch config", action=action, name="DATABASE_POOL_SIZE", **value)).answer)
        for action, value in (("get", {}), ("set", {"value": "9"}), ("unset", {}))
    ]  # fmt: skip
    assert "\n8 (as the bot has it)" in said[0]
    assert "\n9; it was 8." in said[1]
    assert "\n8; it was 9." in said[2]


# --- who else asks, and a watcher that is away --------------------------------------------------------------------


async def test_others_get_what_an_unknown_command_gets(scene: Scene) -> None:
    """A plain user; and who administers another guild, there."""
    discord = scene.stage.discord
    admins, plain, stranger = Admins(discord), discord.user("newcomer"), discord.user("stranger")
    rooms = list(discord.guild(FOREIGN).channels.values())

    async def asks(number: int) -> list[Asked]:
        typed = SPELLINGS[number :: len(rooms)]
        asked = [await admins.says(stranger, f"!{one}", rooms[number]) for one in typed]
        return asked + [await admins.writes(plain, f"!{one}") for one in typed[:1]]

    for asked in [one for found in await asyncio.gather(*map(asks, range(len(rooms)))) for one in found]:
        assert [message.content for message in asked.answers] == [f"I don't know {asked.said.split()[0]}."]
        assert asked.answer.embeds == []
    for who in (plain, stranger):
        refused = await admins.uses(who, "watch performance")
        assert refused.answer.ephemeral
        assert refused.answer.embeds[0]["title"] == "❌ Not for you"


async def test_a_watcher_that_is_stopped(scene: Scene) -> None:
    admins, who = Admins(scene.stage.discord), scene.people[1]
    pid = watcher_of(scene.stage)
    os.kill(pid, signal.SIGSTOP)
    try:
        asked = [await admins.writes(who, "!health"), await admins.uses(who, "watch health")]
        # of the bot's own nothing is slower meanwhile
        begun = time.monotonic()
        assert (await admins.writes(who, "!ping")).answer.content == "pong"
        assert time.monotonic() - begun < SILENT_WITHIN_S
    finally:
        os.kill(pid, signal.SIGCONT)
    for one in asked:
        assert one.answer.embeds[0]["title"] == "❌ The monitor does not answer"
        assert "It is there, but says nothing." in one.answer.embeds[0]["description"]
    assert min(one.took for one in asked) < SILENT_WITHIN_S
    await until_told(scene.stage, "The bot is ", "health")
    assert "The bot is " in text((await admins.writes(who, "!health")).answer)


async def test_a_watcher_that_is_killed(scene: Scene) -> None:
    """The next one has all that the first had kept."""
    admins, who = Admins(scene.stage.discord), scene.people[2]
    os.kill(watcher_of(scene.stage), signal.SIGKILL)
    first = await admins.writes(who, "!health")
    assert first.took < SILENT_WITHIN_S + 1.0
    assert first.answer.embeds[0]["title"] == "❌ The monitor does not answer" or "The bot is " in text(
        first.answer
    )
    await until_told(scene.stage, f"look-ups: {sum(scene.done.lookups.values())}", "cache")


# --- asking -----------------------------------------------------------------------------------------------------


async def until_told(stage: Stage, wanted: str, question: str = "performance") -> None:
    """Until an answer says it: the store commits each second."""
    said = ""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while wanted.lower() not in said.lower():
                await asyncio.sleep(0.2)
                try:
                    said = (await asyncio.to_thread(ask.ask, question, {}, stage.state))["text"]
                except ask.NobodyError:
                    continue
    except TimeoutError:
        raise AssertionError(f"{question} never said {wanted!r}; at last it said {said}") from None


async def ask_everything(scene: Scene) -> None:
    """Every spelling by prefix and every question by slash, by so many admins that none asks too often."""
    admins, people = Admins(scene.stage.discord), scene.people
    trace_id = scene.trace[0].trace_id
    typed = [one for one in SPELLINGS if not one.startswith(("config set", "config unset", "trace"))]
    typed += [f"trace {trace_id}", "logs search oracle --level error", "performance component memory"]
    typed += ["performance component discord", f"{GROUPS[0]} health", f"{GROUPS[1]} performance history"]
    used = list(slashes(trace_id))

    turns = asyncio.Semaphore(AT_ONCE)

    async def asks(number: int, who: Person) -> None:
        for one in typed[number :: len(people)]:
            async with turns:
                scene.asked[one] = await admins.writes(who, f"!{one}")
        for command, values in used[number :: len(people)]:
            async with turns:
                asked = await admins.uses(who, command, **values)
            scene.asked[" ".join([f"/{command}", *map(str, values.values())])] = asked

    await asyncio.gather(*(asks(number, who) for number, who in enumerate(people)))
    scene.asked["logs in a channel"] = await admins.says(people[-1], "!logs", None)


def slashes(trace_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every question, and every choice of its first option."""
    needed: dict[str, dict[str, Any]] = {"trace": {"id": trace_id}}
    for question in QUESTIONS:
        first = question.options[0]
        command = f"{GROUPS[0]} {question.name}"
        yield command, needed.get(question.name, {})
        for choice in first.choices:
            if question.name == "config":
                continue  # which needs a name, and is asked apart
            for component in COMPONENTS if choice == "component" else (None,):
                yield command, {first.name: choice} | ({"name": component} if component else {})


# --- reading ----------------------------------------------------------------------------------------------------


def text(message: Message) -> str:
    (embed,) = message.embeds
    parts = [embed.get("title", ""), embed.get("description", "")]
    for one in embed.get("fields", ()):
        parts += [one["name"], one["value"]]
    return "\n".join(parts).replace("\\", "")


def counted(told: str, name: str) -> int:
    found = re.search(rf"(?m)^{name}: ([\d,]+)", told)
    assert found, f"{name} is not in {told}"
    return int(found[1].replace(",", ""))


def calls(told: str, name: str) -> int:
    found = re.search(rf"(?m)^{name}: P95 .+, ([\d,]+) calls?$", told)
    assert found, f"{name} is not in {told}"
    return int(found[1].replace(",", ""))


def handled(done: Done) -> int:
    return len(done.command_messages | done.replied) + done.interactions


def talk(stage: Stage) -> list[ReceivedSpan]:
    """The trace of a message that the language model answered."""
    found = [trace for trace in stage.receiver.traces if any(span.library == "LLM" for span in trace)]
    return min((trace for trace in found if any(span.name == "message" for span in trace)), key=len)


def watcher_of(stage: Stage) -> int:
    assert stage.bot is not None
    family = psutil.Process(stage.bot.pid).children(recursive=True)
    return next(child.pid for child in family if "whisperwatch.watcher" in child.cmdline())
