"""docs/integrations.md says what is so."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import yaml

from whisperwatch.version import __version__
from whisperwatch.watcher.settings.load import known
from whisperwatch.watcher.settings.siem import Siem
from whisperwatch.watcher.siem.event import SecurityEvent
from whisperwatch.watcher.siem.kinds import KINDS, grade_of, kind_of
from whisperwatch.watcher.siem.syslog import message

PROJECT = Path(__file__).parent.parent
PAGE = (PROJECT / "docs" / "integrations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
DOCUMENTS = [one for form, text in BLOCKS if form == "yaml" for one in yaml.safe_load_all(text)]


def test_settings_exist() -> None:
    names = set(re.findall(r"\b(?:WHISPERWATCH|OTEL|SIEM|HEALTH|PROMETHEUS|LOKI|LOG)_[A-Z_]*[A-Z]\b", PAGE))
    assert len(names) > 15
    assert names - set(known()) == {"OTEL_EXPORTER_OTLP_HEADERS_FILE"}  # of every secret there is one


def test_overlays_beside_the_collectors_configuration_take_from_it() -> None:
    ours = yaml.safe_load((PROJECT / "otel-collector" / "config.yaml").read_text(encoding="utf-8"))
    named = re.findall(r"\((\.\./otel-collector/overlays/[a-z-]+\.yaml)\)", PAGE)
    assert len(named) == 2
    for name in named:
        overlay = yaml.safe_load((PROJECT / "docs" / name).read_text(encoding="utf-8"))
        for pipeline in overlay["service"]["pipelines"].values():
            assert set(pipeline["receivers"]) <= set(ours["connectors"])


def test_the_service_monitor_finds_the_service() -> None:
    by_kind = {one["kind"]: one for one in DOCUMENTS if "kind" in one}
    service, monitor = by_kind["Service"], by_kind["ServiceMonitor"]
    assert monitor["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"]
    (endpoint,), (port,) = monitor["spec"]["endpoints"], service["spec"]["ports"]
    assert (endpoint["port"], endpoint["path"], port["port"]) == (port["name"], "/metrics", 9091)


def test_kinds_and_outcomes() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.splitlines()
        if line[:3] == "| `"
    ]
    shown = {}
    for names, _, _, ecs, ocsf in (row for row in rows if len(row) == 5 and "(" in row[4]):
        for name in re.findall("`([^`]+)`", names):
            shown[name] = (ecs, ocsf.partition(" (")[0])
    assert shown == {
        name: (f"`{kind.category}`, `{kind.type}`", kind.ocsf.name) for name, kind in KINDS.items()
    }
    assert (
        f"| any other | | as your code says | `{kind_of('vault').category}`, `{kind_of('vault').type}` |"
        in PAGE
    )
    grades = [row for row in rows if len(row) == 5 and row[1] in ("success", "failure")]
    for outcome, result, cef, ocsf, _ in grades:
        grade = grade_of(outcome.strip("`"))
        assert (result, cef, ocsf[0]) == (grade.result, str(grade.cef), str(grade.ocsf))


def test_the_message() -> None:
    (shown,) = [text for form, text in BLOCKS if form == "text" and "CEF:0" in text]
    event = SecurityEvent(
        1_790_000_000_123_456_789, "admin.config", "allowed", "HEALTH_CHECK_INTERVAL", "0123456789abcdef",
        service="companion", instance="i-1", host="ada",
    )  # fmt: skip
    made = message(replace(event), Siem(host="siem.example")).replace(f"|{__version__}|", "|0.1.0|")
    assert re.sub(r"whisperengine \d+", "whisperengine 4711", made) == shown.strip()
