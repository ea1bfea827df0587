from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from whisperwatch.watcher.host import Cgroup

UNLIMITED_V1 = 9223372036854771712


def open_tree(root: Path) -> Cgroup:
    return Cgroup(root / "sys", root / "membership")


def v2() -> dict[str, object]:
    return {
        "membership": "0::/bots/companion",
        "sys/cgroup.controllers": "cpu memory",
        "sys/bots/companion/cgroup.procs": "",
    }


class TestVersion2:
    def test_limits_and_use(self, tree: Any) -> None:
        group = open_tree(
            tree(
                v2()
                | {
                    "sys/bots/companion/cpu.max": "150000 100000",
                    "sys/bots/companion/cpu.stat": "usage_usec 2500000\nuser_usec 2000000",
                    "sys/bots/companion/memory.max": 512 * 2**20,
                    "sys/bots/companion/memory.current": 300 * 2**20,
                    "sys/bots/companion/memory.stat": f"anon 1\ninactive_file {100 * 2**20}\nactive_file 7",
                }
            )
        )
        assert group.cpu_limit() == 1.5
        assert group.cpu_time() == 2.5
        assert group.memory() == (200 * 2**20, 512 * 2**20)

    def test_max_is_no_limit(self, tree: Any) -> None:
        files = {"sys/bots/companion/cpu.max": "max 100000", "sys/bots/companion/memory.max": "max"}
        group = open_tree(tree(v2() | files))
        assert (group.cpu_limit(), group.cpu_time(), group.memory()) == (None, None, None)

    def test_the_tightest_ancestor_counts(self, tree: Any) -> None:
        group = open_tree(
            tree(
                v2()
                | {
                    "sys/bots/companion/cpu.max": "400000 100000",
                    "sys/bots/companion/memory.max": "max",
                    "sys/bots/cpu.max": "50000 100000",
                    "sys/bots/cpu.stat": "usage_usec 9000000",
                    "sys/bots/memory.max": 1000,
                    "sys/bots/memory.current": 900,
                }
            )
        )
        assert group.cpu_limit() == 0.5
        assert group.cpu_time() == 9
        assert group.memory() == (900, 1000)

    def test_in_a_container_the_mount_is_the_group(self, tree: Any) -> None:
        files = {"membership": "0::/", "sys/cgroup.controllers": "cpu", "sys/cpu.max": "200000 100000"}
        assert open_tree(tree(files)).cpu_limit() == 2

    @pytest.mark.parametrize("path", ["/../../other", "/not/mounted/here"])
    def test_a_path_that_cant_be_seen_falls_back_to_the_mount(self, tree: Any, path: str) -> None:
        files = {"membership": f"0::{path}", "sys/cgroup.controllers": "cpu", "sys/cpu.max": "100000 100000"}
        assert open_tree(tree(files)).cpu_limit() == 1


class TestVersion1:
    membership = "9:name=systemd:/\n4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/"

    def test_limits_and_use(self, tree: Any) -> None:
        group = open_tree(
            tree(
                {
                    "membership": self.membership,
                    "sys/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": 50000,
                    "sys/cpu,cpuacct/docker/abc/cpu.cfs_period_us": 100000,
                    "sys/cpu,cpuacct/docker/abc/cpuacct.usage": 1_500_000_000,
                    "sys/memory/docker/abc/memory.limit_in_bytes": 1000,
                    "sys/memory/docker/abc/memory.usage_in_bytes": 800,
                    "sys/memory/docker/abc/memory.stat": "cache 500\ntotal_inactive_file 300",
                    "sys/memory/memory.limit_in_bytes": UNLIMITED_V1,
                }
            )
        )
        assert group.cpu_limit() == 0.5
        assert group.cpu_time() == 1.5
        assert group.memory() == (500, 1000)

    def test_in_a_container_the_mount_is_the_group(self, tree: Any) -> None:
        group = open_tree(
            tree(
                {
                    "membership": self.membership,
                    "sys/cpu/cpu.cfs_quota_us": 300000,
                    "sys/cpu/cpu.cfs_period_us": 100000,
                    "sys/cpuacct/cpuacct.usage": 7_000_000_000,
                    "sys/memory/memory.limit_in_bytes": 2000,
                    "sys/memory/memory.usage_in_bytes": 100,
                }
            )
        )
        assert group.cpu_limit() == 3
        assert group.cpu_time() == 7
        assert group.memory() == (100, 2000)

    def test_no_limits(self, tree: Any) -> None:
        group = open_tree(
            tree(
                {
                    "membership": self.membership,
                    "sys/cpu/cpu.cfs_quota_us": -1,
                    "sys/cpu/cpu.cfs_period_us": 100000,
                    "sys/memory/memory.limit_in_bytes": UNLIMITED_V1,
                    "sys/memory/memory.usage_in_bytes": 100,
                }
            )
        )
        assert (group.cpu_limit(), group.cpu_time(), group.memory()) == (None, None, None)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"membership": "no colons"},
        {"membership": ""},
        {
            "membership": "0::/",
            "sys/cgroup.controllers": "cpu",
            "sys/cpu.max": "rubbish",
            "sys/memory.max": "?",
        },
        {"membership": "0::/", "sys/cgroup.controllers": "", "sys/cpu.max": "100 0"},
        {"membership": "0::/", "sys/cgroup.controllers": "memory", "sys/memory.max": "1000"},
    ],
)
def test_what_isnt_there_or_makes_no_sense_is_no_figure(tree: Any, files: dict[str, str]) -> None:
    group = open_tree(tree(files))
    assert (group.cpu_limit(), group.cpu_time(), group.memory()) == (None, None, None)
