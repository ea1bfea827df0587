"""A day of traffic, in the embedded store and in the stack."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.contract.both import TENANT, Both, Collector, Embedded, engines, live_through
from tests.contract.traffic import Day
from tests.stack.conftest import stack as stack
from tests.stack.programs import Stack, wait_for

from whisperwatch.watcher.store.metrics import Keep

HOURS = 24
RAW_S = 6 * 3600


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def both(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    end = int(time.time()) // 3600 * 3600
    day = Day(end - HOURS * 3600, HOURS * 240)
    embedded = Embedded(tmp_path_factory.mktemp("embedded") / "store.db", Keep(raw_s=RAW_S))
    await embedded.store.open()
    mimir = Collector(f"{stack.mimir}/otlp", **{"X-Scope-OrgID": TENANT})
    await live_through(day, embedded, Collector(stack.collector), mimir)
    found = engines(day, embedded, stack.prometheus, stack.mimir, stack.loki)
    wait_for(
        lambda: _newest_sample(stack.prometheus, end) >= end, "the collector's queue to reach Prometheus"
    )
    wait_for(lambda: _logs(stack.loki, day.start, end) == day.logged, "its logs to reach Loki")
    yield found
    for client in found.clients:
        await client.close()
    await embedded.store.stop()


def _newest_sample(url: str, at: int) -> float:
    query = urllib.parse.urlencode(
        {"query": 'max(timestamp(discord_shard_guilds{job="contract-bot"}))', "time": at}
    )
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=10) as response:
        found = json.load(response)["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


def _logs(url: str, start: int, end: int) -> int:
    form = {
        "query": f'sum(count_over_time({{service_name="contract-bot"}} | keep service_name [{end - start}s]))',
        "time": str(end * 10**9),
    }
    with urllib.request.urlopen(
        f"{url}/loki/api/v1/query?{urllib.parse.urlencode(form)}", timeout=30
    ) as response:
        found = json.load(response)["data"]["result"]
    return int(found[0]["value"][1]) if found else 0
