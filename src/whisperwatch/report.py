"""`whisperwatch report`: what can be asked in Discord, asked in a terminal; of a report API elsewhere, too."""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Any, Final

from whisperwatch.ask import NOBODY, UNWELL, NobodyError, ask, show, state_option
from whisperwatch.questions import BY_NAME, WrongWordsError, arguments
from whisperwatch.watcher.answers.asked_period import period
from whisperwatch.watcher.answers.reports import report_of
from whisperwatch.watcher.insight.reports import REPORTS

_TOKEN: Final = "WHISPERWATCH_API_TOKEN"
_PATIENCE_S: Final = 20.0
_RECORDS: Final = ("logs", "trace")


def main(argv: Sequence[str]) -> int:
    """Print a report.

    Returns:
        the exit status: 0; 1 where there is no answer; 2 where nobody answers, or the command line is wrong.
    """
    parser = _parser()
    given, words = parser.parse_known_args(argv)
    name = given.question
    question = BY_NAME.get(name)
    if question is None:
        parser.error(f"there is no report {name!r:.40}: there are {', '.join(BY_NAME)}")
    try:
        asked = arguments(question, words)
        if given.url is not None:
            return _from_api(given.url, _path(name, asked, as_json=given.json), as_json=given.json)
    except WrongWordsError as error:
        parser.error(str(error))
    try:
        answer = ask(name, {**asked, "form": "json" if given.json else "chart"}, given.state_dir)
    except NobodyError as error:
        print(error, file=sys.stderr)
        return NOBODY
    return show(answer)


def _path(question: str, asked: dict[str, Any], *, as_json: bool) -> str:
    """Where the report API has it.

    Raises:
        WrongWordsError: it has no such thing.
    """
    if question in _RECORDS:
        raise WrongWordsError(
            f"{question} is no report of the API, which has records at /api/v1/logs and /api/v1/traces"
        )
    name, of = report_of(question, asked)
    query = {"period": f"{period(asked, REPORTS[name].over_s):.0f}s"}
    if of:
        query["of"] = of
    return f"reports/{name}{'' if as_json else '/page'}?{urllib.parse.urlencode(query)}"


def _from_api(base: str, path: str, *, as_json: bool) -> int:
    url = f"{base.rstrip('/')}/api/v1/{path}"
    token = os.environ.get(_TOKEN, "").strip()
    try:
        request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as response:
            told = response.read().decode()
        answer = {"text": told.rstrip("\n"), "error": None} if as_json else _page(json.loads(told))
    except urllib.error.HTTPError as error:
        with error:
            print(
                f"{base} answers {error.code}: {error.read().decode(errors='replace').strip()}",
                file=sys.stderr,
            )
        return UNWELL
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{base} does not answer: {error}", file=sys.stderr)
        return NOBODY
    return show(answer)


def _page(told: dict[str, Any]) -> dict[str, Any]:
    """As an ANSWER has it."""
    chart = told["chart"]
    packed = {} if chart is None else {"chart": json.dumps(chart).encode()}
    return {"text": told["text"], "status": told["status"], "error": None, **packed}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="whisperwatch report",
        usage="whisperwatch report QUESTION [WORD ...] [--json] [--url URL | --state-dir DIRECTORY]",
        description="What is asked in Discord, such as `performance history --period 24h`, answered here.",
        allow_abbrev=False,
    )
    parser.add_argument("question", metavar="QUESTION", help=", ".join(BY_NAME))
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--url", help=f"ask the report API there, such as http://127.0.0.1:9091, with the token in {_TOKEN}"
    )
    state_option(parser)
    return parser
