"""Mimir and Loki over S3, as docker/scale.env has them: where WHISPERWATCH_TEST_WEED names SeaweedFS' program.

It is started, and its buckets are made, by the very commands of docker-compose.yml.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.stack import otlp
from tests.stack.programs import PROJECT, Stack, free_port, wait_for
from tests.stack.test_mimir import HANDLED, ask, tell, values

WEED = os.environ.get("WHISPERWATCH_TEST_WEED")
SERVICES: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
SECRET = "made-for-this-test-alone-1234567"
PORTS = ("master", "volume", "filer", "s3")

pytestmark = pytest.mark.skipif(WEED is None, reason="WHISPERWATCH_TEST_WEED names no SeaweedFS")


@dataclass(frozen=True)
class Objects:
    """The storage, whose stores are started with `environment`."""

    stack: Stack
    filer: int
    environment: dict[str, str]

    def names(self, path: str) -> list[str]:
        """What is below a folder of a bucket, by their last names."""
        url = f"http://127.0.0.1:{self.filer}/buckets/{path}/"
        try:
            request = urllib.request.Request(url, headers={"accept": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as response:
                found = json.load(response)["Entries"] or []
        except urllib.error.HTTPError:
            return []
        return [entry["FullPath"].rpartition("/")[2] for entry in found]


@pytest.fixture(scope="module")
def objects(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    folder = tmp_path_factory.mktemp("s3")
    programs, secrets = folder / "programs", folder / "secrets"
    programs.mkdir()
    for name, program in {
        "weed": Path(str(WEED)),
        **{n: stack.programs / n for n in ("mimir", "loki")},
    }.items():
        (programs / name).symlink_to(program)
    (folder / "data").mkdir()
    own = Stack(programs, folder)
    prepare(folder)
    ports = {name: neighbourless() for name in PORTS}
    flags = [
        flag.replace("/data", f"{folder}/data").replace("/secrets", str(secrets))
        for flag in SERVICES["objects"]["command"]
    ]
    own.start_objects(*flags, *(f"-{name}.port={port}" for name, port in ports.items()), s3=ports["s3"])
    make = (
        SERVICES["buckets"]["command"][0]
        .replace("$$", "$")
        .replace("127.0.0.1:9333", f"127.0.0.1:{ports['master']}")
    )
    for _ in range(2):  # the second time there is nothing to do
        path = f"{programs}:{os.environ['PATH']}"
        subprocess.run(
            ["sh", "-c", make], env={**os.environ, "PATH": path}, check=True, timeout=60, capture_output=True
        )
    environment = {
        "S3_ENDPOINT": f"127.0.0.1:{ports['s3']}", "AWS_SHARED_CREDENTIALS_FILE": str(secrets / "s3-credentials"),
    }  # fmt: skip
    yield Objects(own, ports["filer"], environment)
    own.stop()


def prepare(folder: Path) -> None:
    """docker/prepare.sh, but for the ownership."""
    for room in ("secrets", "tools", "owned/none-0", "elastic", "bin"):
        (folder / room).mkdir(parents=True, exist_ok=True)
    for name in ("busybox", "chown"):
        (folder / "bin" / name).write_text("#!/bin/sh\n")
        (folder / "bin" / name).chmod(0o755)
    (folder / "secrets" / "s3").write_text(SECRET)
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    script = PROJECT / "docker" / "prepare.sh"
    subprocess.run(["sh", script, folder], env={**os.environ, "PATH": path}, check=True)


def neighbourless() -> int:
    """A free port; SeaweedFS takes the one 10,000 further, too."""
    while (port := free_port()) > 55_000:
        pass
    return port


def test_without_the_key_nothing_is_shown(objects: Objects) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(
            f"http://{objects.environment['S3_ENDPOINT']}/whisperwatch-metrics", timeout=10
        )


def test_metrics(objects: Objects) -> None:
    """A tenant's block is there once it is written out, and so are rules that were put there by the API."""
    fleet = objects.environment | {"MIMIR_STORAGE": "s3", "MIMIR_RULES": "s3"}
    mimir = objects.stack.start_mimir(**fleet)
    tell(f"{mimir}/otlp")
    assert values(mimir, "bots", HANDLED) == [150]
    rules = yaml.safe_dump({"name": "one", "rules": [{"record": "job:one", "expr": "vector(1)"}]}).encode()
    ask(mimir, "bots", "/prometheus/config/v1/rules/whisperwatch", rules, "application/yaml")
    assert objects.names("whisperwatch-metrics/rules/rules/bots")
    ask(mimir, "bots", "/ingester/flush?wait=true", b"")
    wait_for(lambda: len(objects.names("whisperwatch-metrics/blocks/bots")) > 0, "a block in the bucket")
    assert values(mimir, "bots", HANDLED) == [150]
    for _ in range(
        2
    ):  # an index is made at the first start, else each quarter of an hour, and read at the second
        objects.stack.kill("mimir")
        shutil.rmtree(objects.stack.data / "mimir")
        again = objects.stack.start_mimir(**fleet)
        wait_for(
            lambda: "bucket-index.json.gz" in objects.names("whisperwatch-metrics/blocks/bots"), "an index"
        )
    wait_for(lambda: values(again, "bots", HANDLED) == [150], "the same without its disk")


def test_logs(objects: Objects) -> None:
    """A tenant's chunk is there once it is written out; without a tenant nothing is taken."""
    fleet = {"LOKI_STORE": "s3", "LOKI_LOOK_BACK": "0s", "LOKI_TENANTS": "true"}
    loki = objects.stack.start_loki(**objects.environment | fleet)
    body = otlp.logs([otlp.log("it is said")]).SerializeToString()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        otlp.post(f"{loki}/otlp/v1/logs", body)
    ask(loki, "bots", "/otlp/v1/logs", body, "application/x-protobuf")
    ask(loki, "bots", "/flush", b"")
    wait_for(lambda: objects.names("whisperwatch-logs/bots"), "a chunk in the bucket")
    query = f"/loki/api/v1/query_range?query=%7Bservice_name%3D%22bot%22%7D&start={int(time.time() - 600) * 10**9}"
    assert "it is said" in ask(loki, "bots", query).decode()
    assert "it is said" not in ask(loki, "others", query).decode()
