"""Real discord.py bots on a loopback Discord, watched; what they recorded is read back from the tape's records."""

from __future__ import annotations

import asyncio
import contextlib
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import discord
import pytest
from discord.ext import commands

from whisperwatch import semconv
from whisperwatch.bot import saying
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrument.gauges import read_bots
from whisperwatch.bot.instrument.tasks import read_next_runs
from whisperwatch.bot.recording.recorder import Recorder
from whisperwatch.demo.loopback import LoopbackDiscord

KINDS = {0: "internal", 1: "server", 2: "client", 3: "producer", 4: "consumer"}
SHORT = {
    semconv.BOT_NAME: "bot", semconv.EVENT: "event", semconv.SHARD: "shard", semconv.GUILD_ID: "guild",
    semconv.CHANNEL_ID: "channel", semconv.USER_ID: "user", semconv.MESSAGE_ID: "message", semconv.COMMAND: "command",
    semconv.COMMAND_KIND: "kind", semconv.OUTCOME: "outcome", semconv.LISTENER: "listener", semconv.TASK: "task",
    semconv.METHOD: "method",
    semconv.ROUTE: "route", semconv.STATUS_CODE: "status", semconv.SERVER_ADDRESS: "server",
    semconv.ERROR_TYPE: "error", semconv.RESEND_COUNT: "resent", semconv.RATELIMIT_WAIT: "waited",
    semconv.CLOSE_CODE: "code",
}  # fmt: skip
_ORDER = {key: place for place, key in enumerate(SHORT)}
WORK = ("discord.py: ", "CommandTree-", "discord-ui-view-dispatch", "discord-ui-modal", "discord-ui-dynamic",
        "discord-ui-view-timeout")  # fmt: skip
"""Names of the tasks in which discord.py runs what belongs to events."""


@dataclass(eq=False)
class Recorded:
    """One span of the tape, its attributes merged."""

    trace: int
    id: int
    parent: int
    name: str
    kind: str
    attributes: dict[str, Any]
    failed: bool
    events: list[tuple[str, dict[str, Any]]]
    links: list[tuple[int, dict[str, Any]]]
    start: int
    end: int
    scope: str
    flags: int
    children: list[Recorded] = field(default_factory=list)

    def walk(self) -> Iterator[Recorded]:
        yield self
        for child in self.children:
            yield from child.walk()


class Tape:
    """What the recorder has, read as the watcher would."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.taken: list[tuple[Any, ...]] = []
        self.names: dict[int, str] = {}
        """What ids are shown as in `show()`."""

    def spans(self) -> list[Recorded]:
        """Every span that has been recorded so far, linked to its parent, in the order of their starts."""
        self.taken += self.recorder.take_spans(1_000_000)
        sets = {
            number: given
            for sort, number, *rest in self.recorder.definitions
            if sort == "attributes"
            for given in rest
        }
        scopes = {number: rest[0] for sort, number, *rest in self.recorder.definitions if sort == "scope"}
        found = [_recorded(record, sets, scopes) for record in self.taken]
        by_id = {span.id: span for span in found}
        found.sort(key=lambda span: span.start)
        for span in found:
            if span.parent in by_id:
                by_id[span.parent].children.append(span)
                assert by_id[span.parent].trace == span.trace
            else:
                assert not span.parent, f"{span.name} has lost its parent"
        return found

    def roots(self, name: str | None = None) -> list[Recorded]:
        return [span for span in self.spans() if not span.parent and name in (None, span.name)]

    def root(self, name: str) -> Recorded:
        (only,) = self.roots(name)
        return only

    def show(self, *names: str) -> str:
        """The traces whose roots have these names (or all but REST at start), as text, one span a line."""
        spans = self.spans()
        by_id = {span.id: span for span in spans}
        lines: list[str] = []

        def add(span: Recorded, depth: int) -> None:
            lines.append("  " * depth + self._line(span, by_id))
            for child in span.children:
                add(child, depth + 1)

        for span in spans:
            if not span.parent and span.name in names:
                add(span, 0)
        return "\n".join(lines)

    def _line(self, span: Recorded, by_id: dict[int, Recorded]) -> str:
        shown = [span.name]
        if span.kind != "internal":
            shown.append(f"({span.kind})")
        for key, value in sorted(span.attributes.items(), key=lambda item: _ORDER.get(item[0], len(_ORDER))):
            if key in semconv.HASHED_ATTRIBUTES:
                value = self.names.get(value, value)
            if key in (semconv.RATELIMIT_WAIT, semconv.MESSAGE_ID):
                value = "#"
            shown.append(f"{SHORT.get(key, key)}={value}")
        if span.failed:
            shown.append("ERROR")
        for name, attributes in span.events:
            shown.append(f"[{attributes['exception.type'] if name == 'exception' else name}]")
        for target, attributes in span.links:
            name = by_id[target].name if target in by_id else "?"
            shown.append(f"→{name}({','.join(map(str, attributes.values()))})")
        return " ".join(shown)

    def cells(self, metric: semconv.Metric, **attributes: Any) -> dict[tuple[Any, ...], Any]:
        """Of a metric: by attribute values in their order in semconv, the value, or a histogram's count. Those that
        are zero are left out; so are those without the given attributes (by short name), and these from the keys."""
        found: dict[tuple[Any, ...], Any] = {}
        for cell in self.recorder.instrument(metric):
            named = {SHORT.get(key, key): value for key, value in cell.attributes.items()}
            if any(named.get(key) != value for key, value in attributes.items()):
                continue
            value = cell.value if hasattr(cell, "value") else sum(cell.counts)
            if value:
                key = tuple(v for k, v in named.items() if k not in attributes)
                assert key not in found
                found[key] = value
        return found

    def seconds(self, metric: semconv.Metric, **attributes: Any) -> float:
        """The sum of a histogram's cells with these attributes."""
        total = 0.0
        for cell in self.recorder.instrument(metric):
            named = {SHORT.get(key, key): value for key, value in cell.attributes.items()}
            if all(named.get(key) == value for key, value in attributes.items()):
                total += cell.sum
        return total


def _recorded(record: tuple[Any, ...], sets: dict[int, Any], scopes: dict[int, str]) -> Recorded:
    (
        trace,
        span,
        parent,
        flags,
        _,
        name,
        kind,
        start,
        end,
        static,
        own,
        status,
        _,
        events,
        links,
        scope,
        _,
    ) = record
    return Recorded(
        trace, span, parent, name, KINDS[kind], {**sets.get(static, {}), **(own or {})}, status == 2,
        [(event[0], event[2] or {}) for event in events or ()], [(link[1], link[4] or {}) for link in links or ()],
        start, end, scopes[scope], flags,
    )  # fmt: skip


def shown(text: str) -> str:
    """An expected trace, as it is written in a test: dedented, `…` at a line's end continues it."""
    return textwrap.dedent(text).strip().replace("…\n", "")


class Prepared:
    """Mixed into bots: syncs the tree, and doesn't wait where discord.py is patient."""

    async def setup_hook(self: Any) -> None:
        if getattr(self, "tree", None) is not None and self.tree.get_commands():
            await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """No five seconds between IDENTIFYs."""


class Bot(Prepared, commands.Bot):
    def __init__(self, **options: Any) -> None:
        options = {"intents": discord.Intents.all(), "guild_ready_timeout": 0.02, **options}
        super().__init__("!", **options)


class ShardedBot(Prepared, commands.AutoShardedBot):
    def __init__(self, **options: Any) -> None:
        options = {"intents": discord.Intents.all(), "guild_ready_timeout": 0.02, **options}
        super().__init__("!", **options)


class Client(Prepared, discord.Client):
    def __init__(self, **options: Any) -> None:
        options = {"intents": discord.Intents.all(), "guild_ready_timeout": 0.02, **options}
        super().__init__(**options)


@pytest.fixture
def make_bot() -> type[Bot]:
    return Bot


@pytest.fixture
def make_sharded() -> type[ShardedBot]:
    return ShardedBot


@pytest.fixture
def make_client() -> type[Client]:
    return Client


@pytest.fixture
def expected() -> Callable[[str], str]:
    return shown


@pytest.fixture
def unshipped(recording: Recorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """A fresh recorder whose spans wait for the test rather than for a watcher."""
    monkeypatch.setenv("WHISPERWATCH_WATCHER", "off")
    yield recording
    watching.uninstrument()
    saying.said.clear()
    for collector in (read_bots, read_next_runs):
        if collector in recording.collectors:
            recording.collectors.remove(collector)


@pytest.fixture
def host(unshipped: Recorder) -> None:
    """What the host application does with OpenTelemetry before us: nothing, unless a test file says otherwise."""


@pytest.fixture
def tape(unshipped: Recorder, host: Any) -> Tape:
    """discord.py is instrumented; what is recorded is here."""
    assert watching.instrument()
    unshipped.shipping = True
    return Tape(unshipped)


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    async with LoopbackDiscord() as running:
        yield running


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def run(tape: Tape) -> Callable[..., Any]:
    """Runs a client on a loopback Discord until all that its events started is over; ids get names."""

    @contextlib.asynccontextmanager
    async def running(
        server: LoopbackDiscord, client: discord.Client, *, shards: int = 1
    ) -> AsyncIterator[None]:
        async with server.running(client, shards=shards):
            await asyncio.wait_for(client.wait_until_ready(), 10)
            name_all(tape, server)
            yield
            await settled(server, client)

    return running


@pytest.fixture
def settle() -> Callable[[LoopbackDiscord, discord.Client], Any]:
    return settled


def name_all(tape: Tape, server: LoopbackDiscord) -> None:
    tape.names |= {person.id: name for name, person in server._people.items()}
    tape.names |= {guild.id: guild.name for guild in server.guilds}
    tape.names |= {c.id: c.name for guild in server.guilds for c in guild.channels.values()}
    tape.names[server.bot.id] = "bot"


async def settled(server: LoopbackDiscord, *clients: discord.Client) -> None:
    """Waits until the clients have read all that was sent to them, and have done what they do about it."""
    deadline = asyncio.get_running_loop().time() + 10
    while _unread(server, clients) or _busy():
        assert asyncio.get_running_loop().time() < deadline, (
            f"still at work: {_unread(server, clients)} {_busy()}"
        )
        await asyncio.sleep(0.005)


def _unread(server: LoopbackDiscord, clients: tuple[discord.Client, ...]) -> bool:
    read = {}
    for client in clients:
        shards = getattr(client, "_AutoShardedClient__shards", None)
        for ws in [shard.ws for shard in shards.values()] if shards else [client.ws]:
            read[ws.session_id] = ws.sequence
    return any(
        read.get(c.session.id) != c.session.sequence for c in server.core.gateway.on_shard(None) if c.session
    )


def _busy() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith(WORK)]
