"""A real rsyslog takes what is sent, over TCP and TLS, and its own parser reads our CEF."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from whisperwatch.watcher.records import LocalStream
from whisperwatch.watcher.settings.siem import Siem as Settings
from whisperwatch.watcher.siem.sender import Sender
from whisperwatch.watcher.siem.syslog import message

RSYSLOGD = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin")
MODULES = [path.name for path in Path("/usr/lib").glob("*/rsyslog/*.so")]
pytestmark = pytest.mark.skipif(RSYSLOGD is None, reason="rsyslog is not installed")

FIELDS = {
    "tag": "app-name", "facility": "syslogfacility-text", "severity": "syslogseverity-text", "host": "hostname",
    "text": "msg",
}  # fmt: skip
TEMPLATE = " ".join(
    f'property(outname="{name}" name="{source}" format="jsonf") constant(value=",")'
    for name, source in FIELDS.items()
)
CONFIGURATION = """
global(workDirectory="{folder}" defaultNetstreamDriverCAFile="{folder}/ca.pem"
    defaultNetstreamDriverCertFile="{folder}/cert.pem" defaultNetstreamDriverKeyFile="{folder}/key.pem")
module(load="imtcp" {tls})
{cef}
template(name="json" type="list") {{ constant(value="{{") {template}
    constant(value="\\"cef\\":") property(name="$!all-json") constant(value="}}\\n") }}
input(type="imtcp" port="0" address="127.0.0.1" listenPortFileName="{folder}/port")
{normalize}
action(type="omfile" file="{folder}/out" template="json")
"""
TLS = 'streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon"'


@dataclass
class Rsyslog:
    folder: Path
    transport: str

    @property
    def settings(self) -> dict[str, Any]:
        port = int((self.folder / "port").read_text())
        ca_file = str(self.folder / "ca.pem")
        return {"host": "127.0.0.1", "given_port": port, "transport": self.transport, "ca_file": ca_file}

    def lines(self) -> list[dict[str, Any]]:
        out = self.folder / "out"
        return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []

    async def until(self, lines: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(20):
            while len(found := self.lines()) < lines:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.02)
        return found


@pytest.fixture(params=["tcp", "tls"])
def rsyslog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rsyslog]:
    if request.param == "tls" and "lmnsd_gtls.so" not in MODULES:
        pytest.skip("rsyslog-gnutls is not installed")
    authority = trustme.CA()
    own = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    own.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    (tmp_path / "rules").write_text("version=2\nrule=:%event:cef%\n")
    parses = "mmnormalize.so" in MODULES
    (tmp_path / "conf").write_text(
        CONFIGURATION.format(
            folder=tmp_path,
            template=TEMPLATE,
            tls=TLS if request.param == "tls" else "",
            cef='module(load="mmnormalize")' if parses else "",
            normalize=f'action(type="mmnormalize" rulebase="{tmp_path}/rules")' if parses else "",
        )
    )
    assert RSYSLOGD is not None
    words = [RSYSLOGD, "-n", "-f", str(tmp_path / "conf"), "-i", str(tmp_path / "pid")]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 20
        while not (tmp_path / "port").exists() or not (tmp_path / "port").read_text():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        yield Rsyslog(tmp_path, request.param)
        process.terminate()


async def test_events_reach_it(rsyslog: Rsyslog, event: Any) -> None:
    hostile = event(outcome="denied", target="a|b=c\\d é\n<0>1 - CEF:0|x act=allowed")
    settings = {form: Settings(**rsyslog.settings, format=form) for form in ("cef", "ecs", "ocsf")}
    sender = Sender(settings["cef"], LocalStream({}))
    running = asyncio.create_task(sender.run())
    sender.put([message(hostile, one) for one in settings.values()])
    sender.put([message(event(), settings["cef"])])
    assert await sender.flush(20), sender.error
    lines = await rsyslog.until(4)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert len(lines) == 4
    assert {(one["tag"], one["facility"], one["host"]) for one in lines} == {
        ("whisperengine", "local0", "ada")
    }
    assert [one["severity"] for one in lines] == ["warning", "warning", "warning", "info"]
    ecs, ocsf = (json.loads(one["text"]) for one in lines[1:3])
    assert ecs["labels.target"] == ocsf["resources"][0]["name"] == hostile.target
    if "mmnormalize.so" in MODULES:
        parsed = lines[0]["cef"]["event"]
        assert (parsed["SignatureID"], parsed["Name"]) == ("admin.config", "Change of a setting denied")
        extensions = parsed["Extensions"]
        assert extensions["act"] == "denied"
        assert extensions["cs1"] == "a|b=c\\d é <0>1 - CEF:0|x act=allowed"
        assert extensions["suid"] == hostile.user


def test_the_configuration_of_the_docs_is_right(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "integrations.md").read_text()
    (block,) = re.findall(r"```rsyslog\n(.*?)```", page, re.DOTALL)
    for name in re.findall("/etc/ssl/([a-z.-]+)", block):
        (tmp_path / name).touch()
    (tmp_path / "conf").write_text(block.replace("/etc/ssl", str(tmp_path)))
    assert RSYSLOGD is not None
    done = subprocess.run([RSYSLOGD, "-N1", "-f", str(tmp_path / "conf")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
