"""A report as JSON, and the schema that says so."""

from __future__ import annotations

import json
import math

from whisperwatch.watcher.insight.figures import Basis, Figure
from whisperwatch.watcher.insight.performance import Performance, Times
from whisperwatch.watcher.insight.plain import plain, schema
from whisperwatch.watcher.insight.reports import REPORTS
from whisperwatch.watcher.query.answers import SpanEvent, SpanRecord


def test_fields_and_properties() -> None:
    assert plain(Figure(2.0, "s", 1.0)) == {"value": 2.0, "unit": "s", "before": 1.0, "change": 1.0}
    assert plain(Figure()) == {"value": None, "unit": "1", "before": None, "change": None}


def test_what_is_no_number_is_null() -> None:
    assert plain({"a": (math.nan, math.inf, 1.0)}) == {"a": [None, None, 1.0]}


def test_a_report_is_json() -> None:
    times = Times("response", *[Figure(1.0, "s")] * 3, Figure(3.0))
    report = Performance(Basis(0, 60, "embedded"), times, Figure(4.0), Figure(1.0), (times,), ())
    told = json.loads(json.dumps(plain(report)))
    assert told["error_rate"]["value"] == 0.25
    assert told["components"][0]["name"] == "response"
    assert told["basis"]["over_s"] == 60


def test_every_report_has_a_schema_of_what_it_holds() -> None:
    definitions: dict[str, dict[str, object]] = {}
    for kind in REPORTS.values():
        assert schema(kind.returns, definitions) == {"$ref": f"#/components/schemas/{kind.returns.__name__}"}
    assert schema(SpanRecord, definitions)
    assert {"Figure", "Basis", "Trend", "SpanEvent"} <= definitions.keys()
    assert definitions["Figure"]["required"] == ["value", "unit", "before", "change"]
    assert set(plain(SpanEvent("a", 1))) == {"name", "at", "attributes"}
