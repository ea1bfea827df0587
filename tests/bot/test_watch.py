"""`watch()` and `instrument()`: what they take, what they refuse, and that nothing starts before a bot is set up."""

from __future__ import annotations

import asyncio
import collections
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import discord
import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource

import whisperwatch
from whisperwatch import semconv
from whisperwatch.bot import guard, saying, voyage
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrument.bots import bots
from whisperwatch.bot.instrument.runtime import pulse
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.readable import recorder_ids
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.state import hash_id, open_state

PLAIN = discord.Client.login


@pytest.fixture(autouse=True)
def put_back(recording, monkeypatch):
    monkeypatch.setenv("WHISPERWATCH_WATCHER", "off")
    yield
    watching.uninstrument()
    saying.said.clear()


@pytest.fixture
def client():
    return discord.Client(intents=discord.Intents.all())


def test_the_public_names_are_these():
    assert whisperwatch.watch is watching.watch
    assert whisperwatch.instrument is watching.instrument
    assert whisperwatch.uninstrument is watching.uninstrument
    assert whisperwatch.flush is watching.flush


def test_watch_gives_the_client_back_and_patches(client):
    assert whisperwatch.watch(client) is client
    assert discord.Client.login is not PLAIN
    assert trace.get_tracer_provider() is providers.tracer_provider
    assert list(bots) == [client]
    whisperwatch.uninstrument()
    assert discord.Client.login is PLAIN
    assert list(bots) == []
    assert not [name for name in vars(client) if "whisperwatch" in name]
    assert not [name for name in vars(client.http) if "whisperwatch" in name]


@pytest.mark.parametrize("wrong", [None, "bot", discord.Client, object()])
def test_what_is_no_client_is_refused(wrong):
    with pytest.raises(
        TypeError, match=r"watch\(\) takes a discord.Client, not \w+: pass the bot or client object"
    ):
        whisperwatch.watch(wrong)
    assert discord.Client.login is PLAIN


def test_a_resource(client):
    whisperwatch.watch(client, resource=Resource({"service.name": "mine"}))
    assert providers.tracer_provider.resource.attributes["service.name"] == "mine"


def test_off_when_the_sdk_is_disabled(client, monkeypatch, caplog):
    monkeypatch.setenv("OTEL_SDK_DISABLED", " True ")
    assert whisperwatch.watch(client) is client
    assert discord.Client.login is PLAIN
    assert caplog.records == []


def test_an_old_discord_py_is_left_alone_and_that_is_said_once(client, monkeypatch, caplog):
    version = collections.namedtuple("version", "major minor micro")
    monkeypatch.setattr(discord, "version_info", version(2, 3, 2))
    monkeypatch.setattr(discord, "__version__", "2.3.2")
    whisperwatch.watch(client)
    assert not whisperwatch.instrument()
    assert discord.Client.login is PLAIN
    assert [record.message for record in caplog.records if record.name == "whisperwatch"] == [
        "discord.py 2.3.2 is older than 2.4: it is not watched; update discord.py"
    ]


def test_what_we_cannot_do_is_said_and_nothing_is_patched(client, monkeypatch, caplog):
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setenv("OTEL_CONFIG_FILE", "sdk.yaml")
    assert whisperwatch.watch(client) is client
    assert discord.Client.login is PLAIN
    (said,) = [record for record in caplog.records if record.name == "whisperwatch"]
    assert "OTEL_CONFIG_FILE" in f"{said.getMessage()} {said.exc_info}"


def test_a_discord_py_that_lacks_more_than_we_foresaw_runs_unwatched(client, monkeypatch, caplog):
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.delattr(discord.webhook.async_, "AsyncDeferredLock")
    assert whisperwatch.watch(client) is client
    assert discord.Client.login is PLAIN
    assert guard.counts == {"instrument": 1}


def test_nobody_waits_for_what_is_recorded_after_uninstrument(client, monkeypatch):
    monkeypatch.setenv("WHISPERWATCH_WATCHER", "process")
    whisperwatch.watch(client)
    trace.get_tracer("library").start_span("before").end()
    assert recorder.waiting == 1
    whisperwatch.uninstrument()
    trace.get_tracer("library").start_span("after").end()
    assert recorder.waiting == 1


def test_nothing_to_flush_without_a_watcher():
    assert whisperwatch.flush(0.1)


async def test_nothing_starts_before_a_client_is_set_up(monkeypatch):
    sailed = []
    seen = []
    monkeypatch.setattr(voyage, "sail", lambda: sailed.append(True))

    class Client(discord.Client):
        async def setup_hook(self):
            seen.append((pulse.last_turn_ns, list(sailed), len(asyncio.all_tasks())))

    client = whisperwatch.watch(Client(intents=discord.Intents.all()))
    before = len(asyncio.all_tasks())
    async with LoopbackDiscord() as server, server.running(client):
        assert seen[0][:2] == (0, [])
        assert seen[0][2] <= before + 3, "no task of ours: the server's, discord.py's, and the client's own"
        assert sailed == [True]
        assert pulse.last_turn_ns
    assert pulse.thread_id


async def test_what_the_beat_tells_of_a_bot():
    client = whisperwatch.watch(discord.Client(intents=discord.Intents.all()), name="mine")
    state = {"name": "mine", "ready": False, "closed": False, "shards": {}, "lacks": {}}
    discord_itself = [("discord.com", 443), ("gateway.discord.gg", 443)]
    assert voyage.beat() == {
        "bots": [state],
        "hosted": (),
        "users": [],
        "hosts": discord_itself,
        "checks": [],
    }
    async with LoopbackDiscord() as server, server.running(client):
        await server.until(client.is_ready)
        await server.until(lambda: client.latency < 10)
        guilds = recorder.instrument(semconv.GUILDS).find({semconv.BOT_NAME: "mine"})
        guilds.set(0)
        (state,) = voyage.beat()["bots"]
        assert guilds.value == 1, "the gauges are read as soon as the client is ready"
        assert (state["name"], state["ready"], state["closed"]) == ("mine", True, False)
        assert state["shards"][0]["up"]
        assert state["shards"][0]["latency"] == client.latency
        assert state["shards"][0]["last_event"] > 0
        assert voyage.beat()["hosts"] == [("127.0.0.1", server.port)]
    (state,) = voyage.beat()["bots"]
    assert (state["ready"], state["closed"], state["shards"][0]["up"]) == (False, True, False)
    assert state["shards"][0]["latency"] is None
    assert voyage.about()["bots"] == ["mine"]
    assert voyage.about()["discord.py"] == discord.__version__


FORK = {
    "discord/__init__.py": """
        import collections
        __title__, __version__ = "pycord", "2.6.1"
        version_info = collections.namedtuple("VersionInfo", "major minor micro")(2, 6, 1)
        class Client:
            async def login(self, token):
                print("logged in")
            def run(self):
                import asyncio
                asyncio.run(self.login("x"))
        plain = Client.login
    """,
    "discord/ext/commands/__init__.py": "class Bot: ...",
    "bot.py": """
        import logging
        logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
        import discord, whisperwatch
        bot = discord.Client()
        assert whisperwatch.watch(bot) is bot
        whisperwatch.watch(bot)
        assert not whisperwatch.instrument()
        bot.run()
        assert discord.Client.login is discord.plain
        whisperwatch.uninstrument()
    """,
}


@pytest.mark.parametrize("how", [["bot.py"], ["-m", "whisperwatch", "run", "bot.py"]])
def test_py_cord_is_recognized_left_alone_and_named_once(tmp_path, how):
    for name, text in FORK.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text))
    source = Path(whisperwatch.__file__).parents[1]
    environment = {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{source}",
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, *how],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "logged in\n", done.stderr
    assert done.returncode == 0
    (said,) = done.stderr.splitlines()
    assert said.removeprefix("WARNING whisperwatch ") == (
        "the installed `discord` is pycord, not discord.py: it is not watched, and runs as it would without "
        "Whisperwatch"
    )


def test_ids_that_the_host_s_exporters_get_are_hashed_without_a_watcher_too(tmp_path, monkeypatch):
    monkeypatch.setenv("WHISPERWATCH_STATE_DIR", str(tmp_path))
    voyage.sail()
    assert recorder_ids.show(42) == hash_id(open_state().key(), 42)
    monkeypatch.setenv("WHISPERWATCH_EXPOSE_IDS", "true")
    voyage.sail()
    assert recorder_ids.show(42) == "42"


def test_ids_are_hashed_with_a_passing_key_where_the_kept_one_can_t_be_used(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("WHISPERWATCH_STATE_DIR", str(tmp_path))
    (tmp_path / "key").write_bytes(b"short")
    voyage.sail()
    assert len(recorder_ids.show(42)) == 16
    (said,) = caplog.messages
    assert f"{tmp_path / 'key'} holds 5 bytes" in said


async def test_a_client_is_taken_in_from_another_thread_than_its_loop_s(monkeypatch):
    sailed = []
    monkeypatch.setattr(voyage, "sail", lambda: sailed.append(threading.get_ident()))
    client = discord.Client(intents=discord.Intents.all())
    async with LoopbackDiscord() as server, server.running(client):
        await server.until(client.is_ready)
        await asyncio.to_thread(whisperwatch.watch, client)
        await server.until(lambda: sailed)
        assert sailed == [threading.get_ident()]
        assert pulse.thread_id == threading.get_ident()


async def test_a_closed_client_is_taken_in_where_no_loop_runs(monkeypatch):
    sailed = []
    monkeypatch.setattr(voyage, "sail", lambda: sailed.append(True))
    client = discord.Client(intents=discord.Intents.all())
    async with LoopbackDiscord() as server, server.running(client):
        await server.until(client.is_ready)
    await asyncio.to_thread(whisperwatch.watch, client)
    assert (sailed, guard.counts) == ([], {})


async def test_a_forked_child_that_is_not_watched_does_not_sail(monkeypatch):
    sailed = []
    monkeypatch.setattr(voyage, "sail", lambda: sailed.append(True))
    client = whisperwatch.watch(discord.Client(intents=discord.Intents.all()))
    monkeypatch.setattr(recorder, "forked", True)
    async with LoopbackDiscord() as server, server.running(client):
        await server.until(client.is_ready)
    assert sailed == []


def test_settings_in_code_are_told_to_the_watcher_as_plain_values(client, monkeypatch):
    monkeypatch.setattr(watching.launch, "code", {})
    whisperwatch.watch(client, settings={"HEALTH_CHECK_PORT": 9100, "OTEL_SERVICE_NAME": Path("x")})
    assert voyage.about()["settings"] == {"HEALTH_CHECK_PORT": 9100, "OTEL_SERVICE_NAME": "x"}


IN_A_THREAD = """
    import asyncio, threading
    from whisperwatch.bot import voyage
    from whisperwatch.bot.instrument.runtime import pulse

    class Ship:
        def stop(self, timeout_s, reason):
            print("goodbye", flush=True)

    main_is_over, started = threading.Event(), threading.Event()
    threading._register_atexit(main_is_over.set)  # the first to be registered is the last to be called
    voyage._ship = Ship()
    voyage._end_with_the_process()

    async def bot():
        pulse.start(asyncio.get_running_loop())
        started.set()
        main_is_over.wait(30)
        print("the bot ends", flush=True)

    threading.Thread(target=lambda: asyncio.run(bot()), daemon=DAEMON).start()
    started.wait()
"""


@pytest.mark.parametrize(
    ("daemon", "order"), [(False, ["the bot ends", "goodbye"]), (True, ["goodbye"])], ids=["thread", "daemon"]
)
def test_the_goodbye_waits_for_a_bot_that_runs_in_a_thread_of_its_own(daemon, order):
    script = textwrap.dedent(IN_A_THREAD).replace("DAEMON", str(daemon))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert [line for line in done.stdout.splitlines() if not daemon or line == "goodbye"] == order, (
        done.stderr
    )


AT_THE_VERY_END = """
    import asyncio, sys
    import discord, whisperwatch
    from opentelemetry import trace
    from whisperwatch.bot.instrument.bots import bot_of
    from whisperwatch.bot.recording import recorder, roots

    client = whisperwatch.watch(discord.Client(intents=discord.Intents.all()), name="mine")
    for module in (sys, asyncio, trace, recorder, roots):
        module.never_released, _ = bot_of(client).event_root("on_message", ())
        module.never_released.hold()
    module.never_released.itself = module.never_released
"""


def test_a_root_that_outlives_the_modules_goes_silently():
    script = textwrap.dedent(AT_THE_VERY_END)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
