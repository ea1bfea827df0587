"""Active users of a fleet, counted by a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
from redis.asyncio import Redis as Client

from whisperwatch.demo.backends.redis import Redis
from whisperwatch.demo.home import Home
from whisperwatch.semconv import USERS_ACTIVE
from whisperwatch.watcher import fleet_users
from whisperwatch.watcher.fleet_users import FleetUsers
from whisperwatch.watcher.settings.fleet import redis_url
from whisperwatch.watcher.user_counts import WINDOWS, UserCounts
from whisperwatch.watcher.users import ActiveUsers

TODAY = 20_000


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    async with Home() as home:
        server = Redis(home)
        await server.start()
        yield server
        await server.stop()


@pytest.fixture
async def watchers(redis: Redis) -> AsyncIterator[list[FleetUsers]]:
    both = [FleetUsers(redis.url, "mybot", WINDOWS) for _ in range(2)]
    yield both
    for one in both:
        await one.close()


async def active(users: FleetUsers) -> Mapping[str, int]:
    counts = await users.count(TODAY)
    assert counts is not None
    return counts.active


async def test_who_came_back_of_the_whole_fleet(watchers: list[FleetUsers]) -> None:
    """As exact as HyperLogLogs are: of 3000 users half come back, to whichever machine."""
    one, other = watchers
    everybody = [f"user {number}" for number in range(3000)]
    one.saw(TODAY - 2, everybody[:2000])
    other.saw(TODAY - 2, everybody[1000:])
    one.saw(TODAY - 1, everybody[:1000])
    other.saw(TODAY - 1, everybody[1000:1500])
    other.saw(TODAY, everybody)
    one.saw(TODAY - 10, ["long ago"])
    await one.count(TODAY)
    counts = await other.count(TODAY)
    assert isinstance(counts, UserCounts)
    assert counts.before["day"] == pytest.approx(3000, rel=0.03)
    assert counts.returned["day"] == pytest.approx(1500, rel=0.1)
    assert counts.returned["day"] <= counts.before["day"]
    assert (counts.before["week"], counts.returned["week"]) == (1, 0)


async def test_who_was_seen_by_several_counts_once(redis: Redis, watchers: list[FleetUsers]) -> None:
    one, other = watchers
    one.saw(TODAY, ["a", "b"])
    other.saw(TODAY, ["b", "c"])
    other.saw(TODAY - 6, ["d"])
    other.saw(TODAY - 29, ["e"])
    other.saw(TODAY - 30, ["f"])
    await one.count(TODAY)
    assert await active(other) == {"day": 3, "week": 4, "month": 5}
    assert await active(one) == {"day": 3, "week": 4, "month": 5}
    third = FleetUsers(redis.url, "another", WINDOWS)
    assert await active(third) == {"day": 0, "week": 0, "month": 0}
    await third.close()


async def test_a_day_is_forgotten_in_time(redis: Redis, watchers: list[FleetUsers]) -> None:
    watchers[0].saw(TODAY, ["a"])
    await watchers[0].count(TODAY)
    async with Client.from_url(redis.url) as client:
        (key,) = await client.keys("*")
        assert key == b"whisperwatch:users:mybot:20000"
        assert 30 * 86_400 < await client.ttl(key) <= 31 * 86_400


async def test_while_redis_is_away_what_was_seen_waits(
    redis: Redis, watchers: list[FleetUsers], caplog: pytest.LogCaptureFixture
) -> None:
    one = watchers[0]
    away, one._url = one._url, "redis://127.0.0.1:1/0"
    one.saw(TODAY, ["a"])
    assert await one.count(TODAY) is None
    assert await one.count(TODAY) is None
    assert len(caplog.messages) == 1
    await one.close()
    one._url, one._redis = away, None
    assert await active(one) == {"day": 1, "week": 1, "month": 1}
    assert caplog.messages[-1] == "the fleet's active users are counted by Redis again"


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_users, "_MOST_WAITING", 2)
    one = FleetUsers("redis://127.0.0.1:1/0", "mybot", WINDOWS)
    one.saw(TODAY, ["a", "b", "c"])
    assert one._waiting == {TODAY: {"a", "b"}}


class Stream:
    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def set(self, metric: object, value: int, attributes: dict[str, str]) -> None:
        if metric is USERS_ACTIVE:
            self.values[attributes["bot.users.window"]] = value


async def test_a_watcher_gives_the_fleets_count_and_its_own_where_that_fails(
    watchers: list[FleetUsers],
) -> None:
    one, other = watchers
    other.saw(TODAY, ["x", "y"])
    await other.count(TODAY)
    stream = Stream()
    users = ActiveUsers(None, str, stream, one, now=lambda: TODAY * 86_400.0)  # type: ignore[arg-type]
    users.saw([1])
    await users.collect()
    assert stream.values["day"] == 1
    await users.share()
    assert stream.values["day"] == 3


@pytest.mark.parametrize("wrong", ["", "localhost", "http://localhost", "redis://"])
def test_a_wrong_address(wrong: str) -> None:
    with pytest.raises(ValueError, match="no address of a Redis server"):
        redis_url(wrong)
