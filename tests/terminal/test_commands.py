"""`query`, `logs`, `traces` and `store`, as commands of their own, on a store that a watcher left behind."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.contract.bot import Bot
from tests.contract.both import Embedded

from whisperwatch import semconv
from whisperwatch.cli import main
from whisperwatch.state import StateDirectory, hash_id
from whisperwatch.terminal import logs
from whisperwatch.watcher.pipeline.kept_spans import KeptSpans
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.query.choosing import Stores
from whisperwatch.watcher.records import Span
from whisperwatch.watcher.settings import load
from whisperwatch.watcher.store.file import open_to_change, version_of
from whisperwatch.watcher.store.metrics import Keep
from whisperwatch.watcher.store.migrations import MIGRATIONS
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.traces import Traces
from whisperwatch.watcher.store.transactions import transaction

NAME = {semconv.BOT_NAME: "Bot"}
TRACE = 0x4BF92F3577B34DA6A3CE929D0E0E4736
USER = 123456789012345678
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with ten minutes of a bot in its store."""
    path = tmp_path_factory.mktemp("state")
    asyncio.run(_live(path))
    return path


async def _live(path: Path) -> None:
    key = StateDirectory(path).key()
    embedded = Embedded(path / "store.db", Keep(), Redaction(key))
    await embedded.store.open()
    now = time.time()
    bot = Bot("one", now - 600)
    for minute in range(10):
        at = now - 600 + minute * 60
        for category, times in (("ai", 1), ("system", 3)):
            attributes = {
                **NAME, semconv.ERROR_CATEGORY: category, semconv.ERROR_SEVERITY: "high", semconv.COMPONENT: "llm",
            }  # fmt: skip
            bot.count(semconv.ERRORS, attributes, times)
        bot.log(
            at,
            "INFO",
            "bot.chat",
            f"minute {minute}",
            attributes={semconv.USER_ID: USER} if minute == 3 else None,
        )
        if minute == 5:
            raised = ("TimeoutError", "the model is slow", (("a.py", 3, "ask"),), None)
            bot.log(at, "ERROR", "openai", "could not answer\x1b[2J", exception=raised, trace_id=TRACE)
        sent = bot.send()
        await embedded.take([bot], [(bot.stream, sent[1])], at)
    await embedded.store.do(lambda database: None)
    await embedded.store.stop()
    _trace(path, key, bot, int((now - 300) * 1e9))


def _trace(path: Path, key: bytes, bot: Bot, start: int) -> None:
    bot.stream.attribute_sets[1] = {semconv.COMMAND: "ask"}
    event = ("exception", start + 900_000_000, {"exception.type": "TimeoutError"}, 0)

    def span(trace: int, number: int, parent: int, name: str, start_ms: int, end_ms: int, *more: Any) -> Span:
        kind, static, attributes, status, description, events = more
        times = start + start_ms * 1_000_000, start + end_ms * 1_000_000
        ids = (trace, number, parent, 1, None)
        return (*ids, name, kind, *times, static, attributes, status, description, events, None, 1, None)

    spans = [
        span(TRACE, 1, 0, "message", 0, 1000, 4, 0, {semconv.USER_ID: USER}, 0, None, None),
        span(TRACE, 2, 1, "command ask", 100, 950, 0, 1, None, 2, "it failed", (event,)),
        span(TRACE + 1, 3, 0, "interaction", 5, 25, 4, 0, None, 0, None, None),
    ]
    with closing(open_to_change(path / "store.db")) as connection:
        database = Database(connection)
        with transaction(database):
            Traces().write(database, list(KeptSpans(Redaction(key)).parts(bot.stream, spans, 0)))


@pytest.fixture
def run(state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("PROMETHEUS_URL", "LOKI_URL", "TEMPO_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WHISPERWATCH_STATE_DIR", str(state))

    def run_it(*words: str) -> tuple[int, str, str]:
        try:
            status = main(words)
        except SystemExit as left:
            status = int(left.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return run_it


class TestQuery:
    def test_a_table(self, run: Run) -> None:
        status, out, _ = run("query", "increase(bot.errors) by bot.error.category over 1h")
        assert status == 0
        assert out.splitlines()[:3] == [
            "bot.error.category  value",
            "system                 30",
            "ai                     10",
        ]

    def test_a_range_has_bars(self, run: Run) -> None:
        _, out, _ = run("query", "increase(bot.errors) by bot.error.category over 10m every 1m")
        assert "over time" in out
        assert "█" in out

    def test_json_and_csv(self, run: Run) -> None:
        _, out, _ = run("query", "--json", "increase(bot.errors) by bot.error.category over 1h")
        told = json.loads(out)
        assert [(one["group"], one["points"][0][1]) for one in told["series"]] == [
            ({"bot.error.category": "system"}, 30.0), ({"bot.error.category": "ai"}, 10.0),
        ]  # fmt: skip
        _, out, _ = run("query", "--csv", "increase(bot.errors) by bot.error.category over 1h compared")
        rows = list(csv.reader(io.StringIO(out)))
        assert rows[0] == ["time", "bot.error.category", "value", "before"]
        assert rows[1][1:] == ["system", "30.0", ""]

    def test_what_is_wrong_has_a_status_of_its_own(self, run: Run) -> None:
        status, out, err = run("query", "increase(bot.erors)")
        assert (status, out) == (2, "")
        assert "did you mean bot.errors?" in err

    def test_notes_go_beside(self, run: Run) -> None:
        status, _, err = run("query", "increase(bot.errors) over 90d")
        assert status == 0
        assert err.startswith("note: metrics are kept for 30d")

    @pytest.mark.parametrize(
        "question",
        ["logs where level >= error", "traces over 1h", f"trace {TRACE:032x}", "count logs by level"],
    )
    def test_any_question(self, run: Run, question: str) -> None:
        for form in ((), ("--json",), ("--csv",)):
            status, out, _ = run("query", *form, question)
            assert (status, bool(out)) == (0, True)

    def test_a_wrong_setting_is_said_before_another_store_answers(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LOKI_URL", "ftp://x")
        monkeypatch.setenv("HEALTH_CHECK_PORT", "x")  # is no matter of this
        status, out, err = run("query", "logs limit 1")
        assert (status, "minute 9" in out) == (0, True)
        assert err == "problem: LOKI_URL=ftp://x is no http or https URL; it should be an http or https URL\n"

    @pytest.mark.parametrize(
        ("question", "lines"),
        [
            (
                "increase(bot.errors) by bot.component / increase(discord.messages.handled) over 5m",
                [
                    "increase(bot.errors) by bot.component / increase(discord.messages.handled) over 5m",
                    "PromQL:  sum by (bot_component) (increase(bot_errors_total[5m])) / on () group_left() "
                    "sum(increase(discord_messages_handled_total[5m]))",
                ],
            ),
            ("logs where level >= error", [
                "logs where level >= error over 1h limit 50", "LogQL:   {service_name=~`.+`} | severity_number >= 17",
            ]),
            ("traces where error", ["traces where error over 1h limit 20", "TraceQL: {  } && { status = error }"]),
            (f"trace {TRACE:032x}", [f"trace {TRACE:032x}"]),
        ],
    )  # fmt: skip
    def test_a_question_is_explained(self, run: Run, question: str, lines: list[str]) -> None:
        assert run("query", "--explain", question)[:2] == (0, "\n".join(lines) + "\n")

    def test_what_does_not_exist_is_not_explained(self, run: Run) -> None:
        assert run("query", "--explain", "increase(bot.erors)")[0] == 2

    def test_a_store_that_is_down(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PROMETHEUS_URL", "http://127.0.0.1:9")
        status, _, err = run("query", "increase(bot.errors)")
        assert status == 1
        assert "problem: Prometheus" in err
        assert "nothing was recorded" not in err
        assert "127.0.0.1:9" in err


class TestLogs:
    def test_the_newest_last(self, run: Run) -> None:
        status, out, err = run("logs", "--lines", "3")
        assert status == 0
        assert [line.rpartition(" ")[2] for line in out.splitlines()] == ["7", "8", "9"]
        assert "there are more" in err

    def test_filters(self, run: Run) -> None:
        _, out, _ = run(
            "logs", "--search", "MODEL IS", "--level", "error", "--component", "llm", "--logger", "openai"
        )
        assert "could not answer�[2J" in out
        assert "TimeoutError: the model is slow" in out
        assert f"trace {TRACE:032x}" in out
        _, out, _ = run("logs", "--trace", f"{TRACE:032X}")
        assert "could not answer" in out
        assert run("logs", "--search", "nothing like that")[1] == ""

    def test_formats_and_files(self, run: Run, tmp_path: Path) -> None:
        _, out, _ = run("logs", "--format", "ndjson", "--lines", "2")
        assert [json.loads(line)["message"] for line in out.splitlines()] == ["minute 8", "minute 9"]
        file = tmp_path / "logs.json"
        status, out, err = run("logs", "--format", "json", "--output", str(file))
        assert (status, out) == (0, "")
        assert f"11 records are in {file}" in err
        assert len(json.loads(file.read_text())) == 11
        assert run("logs", "--output", str(file))[0] == 2  # it is there already
        _, out, _ = run("logs", "--format", "csv", "--lines", "1")
        assert next(csv.DictReader(io.StringIO(out)))["message"] == "minute 9"

    @pytest.mark.parametrize(
        ("words", "wrong"),
        [
            (("--since", "soon"), "'soon' is no duration"),
            (("--until", "noon"), "'noon' is no time"),
            (("--trace", "abc"), "32 hexadecimal digits"),
            (("--level", "loud"), "invalid choice"),
            (("--lines", "0"), "no number from 1"),
            (("--follow", "--format", "csv"), "--follow goes with lines"),
        ],
    )
    def test_what_is_wrong_is_said(self, run: Run, words: tuple[str, ...], wrong: str) -> None:
        status, _, err = run("logs", *words)
        assert status == 2
        assert wrong in err


def test_following_shows_each_new_record_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whisperwatch.terminal.logs._AGAIN_S", 0.01)
    out = asyncio.run(_followed(tmp_path, capsys))
    assert [line.rpartition(" ")[2] for line in out.splitlines()] == ["0", "1", "2"]


async def _followed(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    embedded = Embedded(folder / "store.db", Keep())
    await embedded.store.open()
    bot = Bot("one", time.time())

    async def log(number: int) -> None:
        bot.log(time.time(), "INFO", "bot", f"number {number}")
        await embedded.take([bot], [(bot.stream, bot.send()[1])], time.time())

    for number in (-2, -1, 0):
        await log(number)
    stores = Stores(lambda: load({}), embedded.store.readers)
    following = asyncio.create_task(
        logs.work(stores.asking, logs.parser().parse_args(["--follow", "--lines", "1"]))
    )
    out = ""

    async def shown(number: int) -> None:
        nonlocal out
        async with asyncio.timeout(30):
            while f"number {number}\n" not in out:
                await asyncio.sleep(0.01)
                out += capsys.readouterr().out

    for number in (0, 1, 2):
        if number:
            await log(number)
        await shown(number)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await stores.close()
    await embedded.store.stop()
    return out


class TestTraces:
    def test_a_list(self, run: Run) -> None:
        status, out, _ = run("traces", "--longer", "500ms", "--error", "--where", "discord.command.name=ask")
        assert status == 0
        assert f"{TRACE:032x}" in out
        assert "message" in out
        assert f"{TRACE + 1:032x}" not in out
        assert f"{TRACE + 1:032x}" in run("traces", "--root", "interaction")[1]

    def test_one_as_a_waterfall(self, run: Run) -> None:
        status, out, _ = run("traces", f"{TRACE:032x}")
        lines = out.splitlines()
        assert status == 0
        assert "2 spans" in lines[0]
        assert lines[1].startswith("message ")
        assert lines[2].startswith("  command ask ")
        assert "850 ms" in lines[2]
        assert "it failed" in out
        assert "• exception exception.type=TimeoutError" in out

    def test_there_is_none(self, run: Run) -> None:
        status, _, err = run("traces", "f" * 32)
        assert status == 1
        assert "there is no trace" in err
        assert run("traces", "xyz")[0] == 2
        assert run("traces", "--where", "nonsense")[0] == 2


class TestStore:
    def test_info(self, run: Run) -> None:
        status, out, _ = run("store", "info")
        assert status == 0
        assert f"schema {version_of(MIGRATIONS)}, 2 series" in out
        assert "logs" in out

    def test_backup(self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        copy = tmp_path / "copy" / "store.db"
        copy.parent.mkdir()
        assert run("store", "backup", str(copy))[0] == 0
        assert copy.stat().st_mode & 0o777 == 0o600
        status, _, err = run("store", "backup", str(copy))
        assert (status, "File exists" in err) == (1, True)
        _, out, _ = run("query", "--state-dir", str(copy.parent), "increase(bot.errors) over 1h")
        assert "40" in out

    def test_forget(self, run: Run, state: Path) -> None:
        hashed = hash_id(StateDirectory(state).key(), USER)
        status, out, _ = run("store", "forget", str(USER))
        assert status == 0
        assert f"is kept as {hashed}" in out
        assert "removed: 1 log records" in out
        assert "removed: 1 traces" in out
        assert "minute 3" not in run("logs")[1]
        assert "elsewhere: backups" in out
        assert f"{TRACE:032x}" not in run("traces", "--since", "1h")[1]
        assert run("store", "forget", "me")[0] == 2


def test_there_is_no_store(run: Run, tmp_path: Path) -> None:
    status, _, err = run("query", "--state-dir", str(tmp_path), "increase(bot.errors)")
    assert status == 1
    assert "there is no store at" in err
    assert run("store", "info", "--state-dir", str(tmp_path))[0] == 1
