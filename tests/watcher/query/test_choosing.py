"""Which store is asked, by the settings alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from whisperwatch import semconv
from whisperwatch.watcher.query.choosing import Stores
from whisperwatch.watcher.query.language import Measure, MetricQuestion, Period, QuestionError
from whisperwatch.watcher.settings import load

QUESTION = MetricQuestion(Measure("increase", semconv.ERRORS.name), Period(300))
ANSWER = {"status": "success", "data": {"resultType": "matrix", "result": []}}


async def ask(question: MetricQuestion = QUESTION, **environ: str) -> Any:
    settings = load(environ, Path("/"))
    assert settings.problems == ()
    stores = Stores(lambda: settings, None)
    try:
        return await stores.asking.ask(question)
    finally:
        await stores.close()


@pytest.mark.parametrize(
    ("environ", "selector"),
    [
        ({"OTEL_SERVICE_NAME": "companion"}, 'bot_errors_total{job="companion"}'),
        (
            {"OTEL_SERVICE_NAME": "companion", "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=bots"},
            'bot_errors_total{job="bots/companion"}',
        ),
        (
            {"OTEL_SERVICE_NAME": "companion", "PROMETHEUS_MATCH": 'app=~"one|two"'},
            'bot_errors_total{app=~"one|two"}',
        ),
        ({}, "bot_errors_total["),
    ],
)
async def test_whose_series_are_asked_for(store, environ, selector):
    store.says(json.dumps(ANSWER))
    answer = await ask(PROMETHEUS_URL=store.url, **environ)
    assert (answer.series, answer.problems) == ((), ())
    ((*_, form),) = store.requests
    assert selector in form["query"]


async def test_what_a_store_warns_of_is_a_problem_of_the_answer(store):
    series = [{"metric": {}, "values": []}]
    store.says(
        json.dumps({**ANSWER, "data": {**ANSWER["data"], "result": series}, "warnings": ["half is down"]})
    )
    (problem,) = (await ask(PROMETHEUS_URL=store.url)).problems
    assert (problem.store, problem.what) == ("prometheus", f"Prometheus ({store.url}) warns: half is down")


async def test_a_store_that_is_down_is_named(unused_tcp_port):
    (problem,) = (await ask(PROMETHEUS_URL=f"http://127.0.0.1:{unused_tcp_port}")).problems
    assert problem.store == "prometheus"
    assert "can't be reached" in problem.what


async def test_of_what_nobody_keeps_nothing_is_asked(store):
    with pytest.raises(QuestionError, match="nobody keeps metrics"):
        await ask(LOKI_URL=store.url)


def test_without_them_no_http_client_is_loaded():
    """It would be 2 MB of the watcher's memory."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom whisperwatch.watcher.query.choosing import Stores\n"
        "from whisperwatch.watcher.settings import load\nsettings = load({}, Path('/'))\n"
        "Stores(lambda: settings, None)\nprint({'aiohttp', 'httpcore2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
