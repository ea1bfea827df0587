"""The data sources name each other rightly, and the dashboards are where they are looked for."""

from __future__ import annotations

import yaml
from tests.grafana.conftest import PROJECT, every

PROVISIONING = PROJECT / "grafana" / "provisioning"
SOURCES = yaml.safe_load((PROVISIONING / "datasources" / "whisperwatch.yaml").read_text())["datasources"]


def test_uids():
    assert {one["uid"]: one["type"] for one in SOURCES} == {
        name: name for name in ("prometheus", "loki", "tempo", "alertmanager")
    }
    assert sum(one.get("isDefault", False) for one in SOURCES) == 1


def test_they_lead_to_each_other():
    uids = {one["uid"] for one in SOURCES}
    leads = {one["uid"]: set(every(one, "datasourceUid")) for one in SOURCES}
    assert leads == {
        "prometheus": {"tempo"},
        "loki": {"tempo"},
        "tempo": {"loki", "prometheus"},
        "alertmanager": set(),
    }
    assert set(every(SOURCES, "alertmanagerUid")) <= uids


def test_variables_of_grafanas_own_reach_it():
    """A single $ is a variable of the environment, which docker-compose.yml sets, or is replaced by nothing."""
    text = (PROVISIONING / "datasources" / "whisperwatch.yaml").read_text()
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            line = line.replace("$$", "").replace("$METRICS_URL", "").replace("$TENANT", "")
            assert "$" not in line, line


def test_variables_are_set_where_grafana_is_started():
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    assert {"METRICS_URL", "TENANT"} <= compose["services"]["grafana"]["environment"].keys()
    stores = [one for one in SOURCES if one["uid"] != "alertmanager"]
    assert {one["jsonData"]["httpHeaderName1"] for one in stores} == {"X-Scope-OrgID"}
    assert {one["secureJsonData"]["httpHeaderValue1"] for one in stores} == {"$TENANT"}


def test_dashboards_are_read_from_where_they_are_mounted():
    provider = yaml.safe_load((PROVISIONING / "dashboards" / "whisperwatch.yaml").read_text())["providers"][0]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    assert provider["type"] == "file"
