"""The OpenAPI description of the report API, made of the reports' own dataclasses."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from whisperwatch.semconv import COMPONENTS
from whisperwatch.version import __version__
from whisperwatch.watcher.answers.terminal import Shown
from whisperwatch.watcher.insight.plain import schema
from whisperwatch.watcher.insight.reports import REPORTS, Kind
from whisperwatch.watcher.query.answers import LogRecord, SpanRecord, TraceSummary
from whisperwatch.watcher.query.language.checking import MOST_TEXT
from whisperwatch.watcher.query.language.logs import LEVELS

_TEXT: Final = {"type": "string"}
_DURATION: Final = {"type": "string", "pattern": "^[1-9][0-9]{0,3}[mhd]$", "examples": ["30m", "6h", "7d"]}
_TRACE_ID: Final = {"type": "string", "pattern": "^[0-9a-fA-F]{32}$"}
_SEARCHED: Final = {"type": "string", "pattern": "^[^\\u0000]*$", "maxLength": MOST_TEXT}
_PAGE: Final = "As a terminal shows it, a page and the data of its chart."
_STRINGS: Final = {"type": "array", "items": _TEXT}


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    definitions: dict[str, Any] = {
        "Error": {"type": "object", "properties": {"error": _TEXT}, "required": ["error"]}
    }
    paths = {
        "/api/v1/openapi.json": _get("This description.", {"type": "object"}),
        "/api/v1/reports": _get("The reports that there are.", _listing()),
        **{
            f"/api/v1/reports/{name}": _with_text(
                _get(kind.help, schema(kind.returns, definitions), [*_of_report(kind), _FORM])
            )
            for name, kind in REPORTS.items()
        },
        **{
            f"/api/v1/reports/{name}/page": _get(
                f"{_PAGE} {kind.help}", schema(Shown, definitions), _of_report(kind)
            )
            for name, kind in REPORTS.items()
        },
        "/api/v1/logs": _get(
            "The newest log records that fit, newest first.",
            _records("records", schema(LogRecord, definitions), more=True),
            [
                _parameter("level", {"type": "string", "enum": list(LEVELS)}, "This one and what is worse."),
                _parameter("component", {"type": "string", "enum": list(COMPONENTS)}, "A part of the bot."),
                _parameter("logger", _TEXT, "A logger, and what is below it."),
                _parameter("search", _SEARCHED, "Found literally, in any case of letters."),
                _parameter("trace_id", _TRACE_ID, "A trace's id."),
                _parameter("instance", _TEXT, "A service.instance.id."),
                _parameter("since", _DURATION, "How far back; a day unless said."),
                _parameter("lines", _whole(10_000), "How many; 50 unless said."),
                _parameter("before", _whole(2**63 - 1), "Only what is older (unix nanoseconds), to page on."),
            ],
        ),
        "/api/v1/traces": _get(
            "The newest traces that fit, or the slowest.",
            _records("traces", schema(TraceSummary, definitions), more=True),
            [
                _parameter("root", _TEXT, "The name of the root span, exactly."),
                _parameter("longer", _DURATION, "It lasted at least so long."),
                _parameter(
                    "error", {"type": "string", "enum": ["true", "false"]}, "Some span failed, or none."
                ),
                _parameter("order", {"type": "string", "enum": ["newest", "slowest"]}, "Newest unless said."),
                _parameter("instance", _TEXT, "A service.instance.id."),
                _parameter("since", _DURATION, "How far back; a day unless said."),
                _parameter("lines", _whole(1000), "How many; 20 unless said."),
            ],
        ),
        "/api/v1/traces/{id}": _get(
            "One trace whole, its spans by start.",
            _records("spans", schema(SpanRecord, definitions)),
            [{**_parameter("id", _TRACE_ID, "The trace's id."), "in": "path", "required": True}],
        ),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Whisperwatch reports", "version": __version__},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _get(
    summary: str, content: dict[str, Any], parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    failures = {
        "400": "A parameter is wrong.",
        "401": "The token is missing or wrong.",
        "403": "The API is off.",
        "404": "There is no such thing.",
        "429": "Too many requests; retry-after says when.",
        "503": "No store could answer.",
    }
    return {
        "get": {
            "summary": summary,
            "parameters": parameters or [],
            "responses": {
                "200": {"description": "OK", "content": {"application/json": {"schema": content}}},
                **{status: {"description": text, **error} for status, text in failures.items()},
            },
        }
    }


def _with_text(path: dict[str, Any]) -> dict[str, Any]:
    path["get"]["responses"]["200"]["content"]["text/plain"] = {"schema": _TEXT}
    return path


def _of_report(kind: Kind) -> list[dict[str, Any]]:
    found = [_parameter("period", _DURATION, f"How far back; {kind.over_s / 3600:g} hours unless said.")]
    if kind.of:
        of = {"type": "string", "enum": list(kind.of)}
        found.append({**_parameter("of", of, "What it is of."), "required": True})
    return found


def _parameter(name: str, of: dict[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": of}


_FORM: Final = _parameter(
    "form",
    {"type": "string", "enum": ["json", "text"]},
    "`text` is the page that a person reads, as text/plain.",
)


def _whole(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most}


def _listing() -> dict[str, Any]:
    one = {"type": "object", "properties": {"name": _TEXT, "help": _TEXT, "of": _STRINGS}}
    return {"type": "object", "properties": {"reports": {"type": "array", "items": one}}}


def _records(name: str, of: dict[str, Any], more: bool = False) -> dict[str, Any]:
    properties: dict[str, Any] = {
        name: {"type": "array", "items": of},
        "notes": _STRINGS,
        "missing": _STRINGS,
    }
    if more:
        properties["more"] = {"type": "boolean"}
    return {"type": "object", "properties": properties, "required": list(properties)}
