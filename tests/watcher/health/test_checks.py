from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from whisperwatch.watcher.health import checks
from whisperwatch.watcher.health.report import Check

BOT = "/srv/companion/bot.py"


def by_name(found: Any) -> dict[str, Check]:
    return {check.name: check for check in found}


SIEM = {"endpoint": "siem:6514", "error": "it hung up", "waiting": 3, "dropped": 1200}


class TestBotProcess:
    def test_runs(self, world: Any) -> None:
        check = checks.bot_process(world.source(slot=1), world.clock(), None)
        assert (check.status, check.process) == ("healthy", 1)
        assert check.since == world.clock.unix - 60
        assert check.ready
        assert check.stuck_s == 0

    def test_killed_says_when_and_why(self, world: Any) -> None:
        check = checks.bot_process(world.source(connected=False, ended=world.ended()), world.clock(), None)
        assert check.status == "unhealthy"
        assert check.text == "The bot's process has ended: killed by signal 9 (SIGKILL)."
        assert check.since == world.clock.unix - 5
        assert check.stuck_s == checks.GONE
        assert not check.ready

    def test_goodbye_is_no_crash(self, world: Any) -> None:
        end = world.ended("the bot was closed", orderly=True)
        check = checks.bot_process(world.source(connected=False, ended=end), world.clock(), None)
        assert check.text == "The bot has said goodbye: the bot was closed."

    @pytest.mark.parametrize(
        ("state", "status"), [("running", "degraded"), (None, "unhealthy"), ("zombie", "unhealthy")]
    )
    def test_without_connection_the_systems_word_counts(
        self, world: Any, state: str | None, status: str
    ) -> None:
        heard = world.clock.ns(3)
        check = checks.bot_process(
            world.source(connected=False, beat_received_ns=heard), world.clock(), state
        )
        assert check.status == status
        assert check.since == pytest.approx(world.clock.unix - 3), "since it was last heard, not looked at"
        assert (check.stuck_s == checks.GONE) == (status == "unhealthy")

    def test_stopped(self, world: Any) -> None:
        source = world.source(beat=world.beat(loop_ago=90), beat_received_ns=world.clock.ns(90))
        found = by_name(checks.of_source(source, world.clock(), "stopped", None))
        assert (
            found["bot process"].text == "The bot's process is stopped (SIGSTOP or a debugger), for 90.0 s."
        )
        assert found["bot process"].stuck_s == pytest.approx(90)
        assert "its process is stopped" in found["event loop"].text

    def test_an_ended_one_has_no_loop_and_no_gateway(self, world: Any) -> None:
        source = world.source(connected=False, ended=world.ended())
        assert list(by_name(checks.of_source(source, world.clock(), None, None))) == ["bot process"]


class TestEventLoop:
    def look(self, world: Any, **known: Any) -> Check:
        return checks.event_loop(world.source(**known), world.clock(), "running")

    def test_turns(self, world: Any) -> None:
        assert self.look(world).status == "healthy"

    def test_a_beat_that_is_on_its_way_is_no_block(self, world: Any) -> None:
        world.clock.pass_(-0.8)
        beat, received = world.beat(loop_ago=0.05), world.clock.ns()
        world.clock.pass_(0.8)
        assert self.look(world, beat=beat, beat_received_ns=received).status == "healthy"

    def test_none_yet(self, world: Any) -> None:
        assert self.look(world, beat=world.beat(loop_ago=None)).status == "healthy"
        assert self.look(world, beat=None).status == "healthy"

    @pytest.mark.parametrize(
        ("blocked", "status"), [(0.4, "healthy"), (0.6, "degraded"), (9.9, "degraded"), (10.1, "unhealthy")]
    )
    def test_how_long_decides(self, world: Any, blocked: float, status: str) -> None:
        frames = ((BOT, 5, "<module>"), (BOT, 17, "on_message"))
        check = self.look(world, beat=world.beat(loop_ago=blocked, frames=frames))
        assert check.status == status
        if status != "healthy":
            assert check.text == f"The event loop has been blocked for {blocked} s at {BOT}:17 on_message."
            assert check.since == pytest.approx(world.clock.unix - blocked)
            assert check.stuck_s == pytest.approx(blocked)

    def test_silence_is_a_held_gil_and_its_holder_is_named(self, world: Any) -> None:
        beat, received = world.beat(loop_ago=0.01), world.clock.ns()
        world.clock.pass_(4)
        holder = ((BOT, 5, "<module>"), (BOT, 30, "Rank.score"))
        check = self.look(world, beat=beat, beat_received_ns=received, holder=holder, unreadable="it is late")
        assert check.status == "degraded"
        assert check.text.startswith(f"The event loop has been blocked for 4.0 s at {BOT}:30 Rank.score;")
        assert check.text.endswith("C code is likely to hold the GIL.")

    def test_where_a_held_gil_can_not_be_read_it_says_why(self, world: Any) -> None:
        beat, received = world.beat(loop_ago=0.01), world.clock.ns()
        world.clock.pass_(4)
        check = self.look(world, beat=beat, beat_received_ns=received, unreadable="py-spy is not installed")
        assert check.text.startswith("The event loop has been blocked for 4.0 s; nothing else")
        assert check.text.endswith("GIL. Where can't be read: py-spy is not installed.")

    def test_silence_without_a_holder_still_tells(self, world: Any) -> None:
        beat, received = world.beat(), world.clock.ns()
        world.clock.pass_(100)
        check = self.look(world, beat=beat, beat_received_ns=received)
        assert check.status == "unhealthy"
        assert check.stuck_s == pytest.approx(100, abs=0.1)


class TestGateway:
    def look(self, world: Any, before: Check | None = None, **shards: Any) -> Check:
        return checks.gateway(world.source(beat=world.beat(**shards)), world.clock(), before)

    def test_all_up(self, world: Any) -> None:
        check = self.look(world, shards={0: True, 1: True})
        assert (check.status, check.text, check.ready) == ("healthy", "2 shards connected and ready.", True)

    def test_some_down_is_degraded_for_as_long_as_it_lasts(self, world: Any) -> None:
        before = Check("gateway", "degraded", "", world.clock.unix - 3600, 0)
        check = self.look(world, before, shards={0: True, 1: False, 2: False})
        assert (check.status, check.ready) == ("degraded", False)
        assert check.text == "1 of 3 shards ready; not ready: 1, 2."

    @pytest.mark.parametrize(("seconds", "status"), [(29, "degraded"), (31, "unhealthy")])
    def test_all_down_is_unhealthy_when_it_is_no_mere_reconnect(
        self, world: Any, seconds: float, status: str
    ) -> None:
        first = self.look(world, shards={0: False})
        assert first.status == "degraded"
        world.clock.pass_(seconds)
        check = self.look(world, first, shards={0: False})
        assert (check.status, check.since) == (status, first.since)

    def test_unhealthy_does_not_begin_anew(self, world: Any) -> None:
        before = Check("gateway", "unhealthy", "", world.clock.unix - 500, 0)
        assert self.look(world, before, shards={0: False}).status == "unhealthy"

    def test_not_connected_yet(self, world: Any) -> None:
        check = self.look(world, shards={})
        assert (check.text, check.ready) == ("A bot is not connected to Discord yet.", False)

    def test_a_second_bot_that_waits_is_not_forgotten(self, world: Any) -> None:
        beat = world.beat()
        beat["bots"].append({"name": "other", "ready": False, "closed": False, "shards": {}})
        check = checks.gateway(world.source(beat=beat), world.clock(), None)
        assert (check.status, check.ready) == ("degraded", False)

    def test_a_closed_bot_counts_no_more(self, world: Any) -> None:
        beat = world.beat()
        beat["bots"].append({"name": "other", "ready": False, "closed": True, "shards": {0: {"up": False}}})
        assert checks.gateway(world.source(beat=beat), world.clock(), None).status == "healthy"

    def test_no_beat_yet(self, world: Any) -> None:
        check = checks.gateway(world.source(beat=None), world.clock(), None)
        assert (check.status, check.text) == ("degraded", "No bot is connected to Discord.")

    def test_a_deaf_shard_is_told_of(self, world: Any) -> None:
        check = self.look(world, heard_ago=2100)
        assert check.text == "1 shard connected and ready; the quietest has heard nothing for 35 min."


class TestCurrent:
    def test_a_restarted_process_takes_the_place_of_the_ended_one(self, world: Any) -> None:
        old = world.source(connected=False, ended=world.ended(), connected_ns=world.clock.ns(600))
        new = world.source(connected_ns=world.clock.ns(3))
        assert checks.current([old, new]) == checks.current([new, old]) == [new]

    def test_an_ended_process_beside_a_living_one_counts(self, world: Any) -> None:
        dead, alive = world.source(connected=False, ended=world.ended()), world.source(slot=1)
        assert checks.current([alive, dead]) == [dead, alive]

    def test_one_that_said_goodbye_does_not(self, world: Any) -> None:
        left, alive = world.source(connected=False, ended=world.ended(orderly=True)), world.source(slot=1)
        assert checks.current([left, alive]) == [alive]

    def test_unless_all_have(self, world: Any) -> None:
        left = world.source(connected=False, ended=world.ended(orderly=True))
        assert checks.current([left]) == [left]

    def test_a_reconnected_process_counts_once(self, world: Any) -> None:
        lost = world.source(connected=False, connected_ns=world.clock.ns(100))
        back = world.source(connected_ns=world.clock.ns(1))
        assert checks.current([lost, back]) == [back]


@dataclass
class Way:
    endpoint: str | None = "http://collector:4318/v1/traces"
    failing_since: float | None = None
    reached_since: float | None = 11.0
    error: str | None = None
    refused: str | None = None
    waiting_bytes: int = 0
    spooled_bytes: int = 0
    spool_problem: str | None = None
    dropped: int = 0


class TestExport:
    def test_off(self) -> None:
        assert checks.export(Way(None)).status == "healthy"

    def test_works(self) -> None:
        check = checks.export(Way())
        assert (check.text, check.since) == ("Telemetry reaches the collector.", 11.0)

    def test_nothing_has_been_sent_yet(self) -> None:
        check = checks.export(Way(reached_since=None))
        assert (check.status, check.text) == ("healthy", "The collector has not been sent anything yet.")

    def test_fails(self) -> None:
        check = checks.export(
            Way(failing_since=17.0, error="connection refused", waiting_bytes=1_500_000, dropped=7)
        )
        assert (check.status, check.since) == ("degraded", 17.0)
        assert check.text == (
            "Telemetry doesn't reach the collector: connection refused. 1.5 MB wait. 7 records were lost."
        )

    def test_little_waits_or_nothing(self) -> None:
        way = Way(failing_since=17.0, error="http://c/v1/traces answered 401 Unauthorized")
        told = "Telemetry doesn't reach the collector: http://c/v1/traces answered 401 Unauthorized."
        assert checks.export(way).text == told
        way.waiting_bytes = 13_094
        assert checks.export(way).text == f"{told} 13.1 kB wait."
        way.spooled_bytes = 13_000
        assert checks.export(way).text == f"{told} 13.1 kB wait on the disk."
        way.spooled_bytes, way.spool_problem = 0, "The spool /s can't be written (no room)"
        assert checks.export(way).text == f"{told} 13.1 kB wait. The spool /s can't be written (no room)."

    def test_what_to_do_is_no_sentence_within_a_sentence(self) -> None:
        way = Way(failing_since=17.0, error="can't be reached: refused. Is it running?")
        assert checks.export(way).text.endswith("refused. Is it running?")

    def test_what_waited_is_on_its_way(self) -> None:
        check = checks.export(Way(spooled_bytes=2_000_000))
        assert (check.status, check.text) == (
            "healthy",
            "Telemetry reaches the collector. 2.0 MB that waited are on their way.",
        )

    def test_some_is_refused(self) -> None:
        check = checks.export(Way(refused="12 metrics were rejected: out of order", dropped=12))
        assert (check.status, check.text) == (
            "degraded",
            "The collector refuses some of the telemetry: 12 metrics were rejected: out of order. "
            "12 records were lost.",
        )


class TestSecurityExport:
    def test_it_works_or_is_about_to(self) -> None:
        told = checks.siem(SimpleNamespace(**SIEM, reached_since=11.0, failing_since=None))
        assert (told.status, told.since) == ("healthy", 11.0)
        assert told.text == "Security events go to siem:6514. 1,200 were lost."
        waits = checks.siem(SimpleNamespace(**SIEM, reached_since=None, failing_since=None))
        assert (waits.status, waits.since) == ("healthy", None)

    def test_it_fails(self) -> None:
        told = checks.siem(SimpleNamespace(**SIEM, reached_since=None, failing_since=17.0))
        assert (told.status, told.since) == ("degraded", 17.0)
        assert told.text == "Security events don't reach siem:6514: it hung up. 3 wait. 1,200 were lost."


class TestSettings:
    def test_right(self) -> None:
        assert checks.settings([]).status == "healthy"

    def test_wrong(self) -> None:
        check = checks.settings(["HEALTH_CHECK_PORT should be a port from 0 to 65535"])
        assert check.status == "degraded"
        assert "HEALTH_CHECK_PORT should be a port" in check.text
