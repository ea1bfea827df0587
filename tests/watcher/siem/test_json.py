"""ECS, OCSF and HEC: held against what their schemas allow."""

from __future__ import annotations

import itertools
import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from whisperwatch.semconv import SECURITY_OUTCOMES
from whisperwatch.version import __version__
from whisperwatch.watcher.siem.ecs import ecs
from whisperwatch.watcher.siem.event import SecurityEvent
from whisperwatch.watcher.siem.formats import FORMATS
from whisperwatch.watcher.siem.hec import hec
from whisperwatch.watcher.siem.kinds import KINDS
from whisperwatch.watcher.siem.ocsf import VERSION, ocsf

CASES = list(itertools.product([*KINDS, "vault"], SECURITY_OUTCOMES, ["", "terminal", "0123456789abcdef"]))
OCSF_VERSIONS = ("1.1.0", VERSION, "1.8.0")
# ECS 8.11, generated/ecs/ecs_flat.yml: event.category and the event.type that each expects
ECS_TYPES = {
    "api": {
        "access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start", "user",
    },
    "authentication": {"start", "end", "info"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
}  # fmt: skip


class TestEcs:
    def test_a_document(self, event):
        assert ecs(event(outcome="failed")) == {
            "@timestamp": "2026-09-21T14:13:20.123456Z",
            "ecs.version": "8.11.0",
            "message": "admin.config failed: HEALTH_CHECK_INTERVAL",
            "event.kind": "event",
            "event.category": ["configuration"],
            "event.type": ["change"],
            "event.outcome": "failure",
            "event.action": "admin.config",
            "event.reason": "failed",
            "event.severity": 4,
            "event.id": event(outcome="failed").uid,
            "event.module": "whisperwatch",
            "event.dataset": "whisperwatch.security",
            "observer.vendor": "Whisperwatch",
            "observer.product": "Whisperwatch",
            "observer.version": __version__,
            "user.hash": "0123456789abcdef",
            "service.name": "companion",
            "service.node.name": "i-1",
            "host.name": "ada",
            "trace.id": "a" * 32,
            "span.id": "b" * 16,
            "labels.target": "HEALTH_CHECK_INTERVAL",
        }

    @pytest.mark.parametrize(("kind", "outcome", "user"), CASES)
    def test_only_what_ecs_allows(self, event, kind, outcome, user):
        told = ecs(event(kind=kind, outcome=outcome, user=user))
        (category,) = told["event.category"]
        assert set(told["event.type"]) <= ECS_TYPES[category]
        assert told["event.outcome"] in ("success", "failure")
        assert "" not in told.values()

    def test_who_did_it(self, event):
        assert ecs(event(user="terminal"))["user.name"] == "terminal"
        exposed = ecs(event(user="123456789012345678"))  # WHISPERWATCH_EXPOSE_IDS
        assert exposed["user.id"] == "123456789012345678"
        assert "user.hash" not in exposed
        assert not [key for key in ecs(event(user="")) if key.startswith("user.")]


@cache
def schema(version: str, uid: int) -> Draft202012Validator:
    schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
    return Draft202012Validator(schemas.get_class_schema(schemas.lookup_class_name_from_uid(uid)))


class TestOcsf:
    @pytest.mark.parametrize("version", OCSF_VERSIONS)
    def test_it_is_valid(self, event, version):
        for kind, outcome, user in CASES:
            for one in (event(), event(target="", trace_id="", service="", instance="", host="", span_id="")):
                told = json.loads(FORMATS["ocsf"](event(**_but(one, kind=kind, outcome=outcome, user=user))))
                told["metadata"]["version"] = version
                errors = [error.message for error in schema(version, told["class_uid"]).iter_errors(told)]
                assert not errors, (kind, outcome, user)

    def test_the_schema_would_find_mistakes(self, event):
        told = ocsf(event())
        del told["actor"]
        told["activity_id"] = 7
        assert len(list(schema(VERSION, 6003).iter_errors(told))) >= 2

    def test_a_change_of_a_setting(self, event):
        told = ocsf(event())
        assert (told["class_name"], told["activity_id"], told["type_uid"]) == ("API Activity", 3, 600303)
        assert told["actor"] == {"user": {"uid": "0123456789abcdef"}}
        assert told["resources"] == [{"name": "HEALTH_CHECK_INTERVAL"}]
        assert told["src_endpoint"] == {"name": "discord"}
        assert (told["status"], told["severity_id"], told["time"]) == ("Success", 1, 1790000000123)

    def test_a_login(self, event):
        told = ocsf(event(kind="login", outcome="denied"))
        assert (told["class_uid"], told["type_uid"], told["status_id"]) == (3002, 300201, 2)
        assert told["user"] == {"uid": "0123456789abcdef"}
        assert told["service"] == {"name": "companion"}


class TestHec:
    def test_an_envelope(self, event):
        assert hec(event()) == {
            "time": 1790000000.123457,
            "host": "ada",
            "source": "whisperwatch",
            "sourcetype": "whisperwatch:security",
            "event": {
                "time": "2026-09-21T14:13:20.123456Z", "id": event().uid, "kind": "admin.config", "outcome": "allowed",
                "target": "HEALTH_CHECK_INTERVAL", "user": "0123456789abcdef", "trace_id": "a" * 32,
                "span_id": "b" * 16, "service": "companion", "instance": "i-1", "result": "success",
            },
        }  # fmt: skip

    def test_without_a_host_splunk_takes_the_senders(self, event):
        assert "host" not in hec(event(host=""))


@given(text=st.text(min_size=1, max_size=40))
@pytest.mark.parametrize("form", ["ecs", "ocsf", "hec"])
def test_a_line_of_json_that_gives_back_what_it_was_made_of(form, text):
    line = FORMATS[form](SecurityEvent(1, text, "denied", text, text))
    assert line.isascii()
    assert line.isprintable()
    told = json.loads(line)
    found = {
        "ecs": lambda: (told["event.action"], told["event.outcome"]),
        "ocsf": lambda: (told["metadata"]["event_code"], told["status"].lower()),
        "hec": lambda: (told["event"]["kind"], told["event"]["result"]),
    }[form]()
    assert found == (text, "failure")


def test_the_same_event_has_the_same_id_and_another_another(event):
    assert event().uid == event(trace_id="").uid
    assert (
        len({event().uid, event(target="X").uid, event(user="terminal").uid, event(outcome="denied").uid})
        == 4
    )


def _but(event: SecurityEvent, **changed: str) -> dict[str, str]:
    return {name: getattr(event, name) for name in event.__slots__ if name != "at"} | changed
