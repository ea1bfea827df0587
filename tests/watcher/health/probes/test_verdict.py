from __future__ import annotations

from whisperwatch.watcher.health.probes.verdict import Verdict


def test_nothing_is_known_before_the_first_answer() -> None:
    verdict = Verdict()
    assert (verdict.status, verdict.since, verdict.recovering) == ("unknown", None, False)


def test_the_first_good_answer_is_healthy() -> None:
    verdict = Verdict()
    verdict.good("answers PING", 0.002, 100.0)
    assert (verdict.status, verdict.text, verdict.since) == ("healthy", "answers PING (2 ms)", 100.0)
    verdict.good("answers PING", 0.003, 130.0)
    assert (verdict.since, verdict.answered) == (100.0, 130.0)


def test_one_failure_is_a_suspicion_all_are_a_finding() -> None:
    verdict = Verdict()
    verdict.good("answers", 0.001, 100.0)
    verdict.suspect("doesn't answer", 1, 3, 110.0)
    assert (verdict.status, verdict.since) == ("degraded", 110.0)
    assert verdict.text == "suspect: doesn't answer (attempt 1 of 3)"
    verdict.suspect("doesn't answer", 2, 3, 120.0)
    assert (verdict.status, verdict.since) == ("degraded", 110.0)
    verdict.bad("doesn't answer", 130.0)
    assert (verdict.status, verdict.text, verdict.since) == ("unhealthy", "doesn't answer", 130.0)
    verdict.suspect("refuses", 1, 3, 160.0)
    assert (verdict.status, verdict.text, verdict.since) == ("unhealthy", "refuses", 130.0)
    assert verdict.answered == 100.0


def test_one_good_answer_is_no_recovery() -> None:
    verdict = Verdict()
    verdict.bad("refuses", 100.0)
    assert not verdict.recovering
    verdict.good("answers", 0.001, 130.0)
    assert (verdict.status, verdict.recovering) == ("degraded", True)
    assert verdict.text == "answers (1 ms) after it failed: good answer 1 of 2"
    verdict.suspect("refuses", 1, 3, 135.0)
    verdict.good("answers", 0.001, 140.0)
    assert verdict.status == "degraded"
    verdict.good("answers", 0.001, 145.0)
    assert (verdict.status, verdict.text, verdict.recovering) == ("healthy", "answers (1 ms)", False)


def test_a_slow_answer_degrades() -> None:
    verdict = Verdict()
    verdict.good("answers", 2.5, 100.0)
    assert (verdict.status, verdict.text) == ("degraded", "answers, but slowly (2.5 s)")
    verdict.good("answers", 0.01, 130.0)
    assert verdict.status == "healthy"


def test_what_can_not_be_asked_is_unknown() -> None:
    verdict = Verdict()
    verdict.unclear("is behind a proxy", 100.0)
    assert (verdict.status, verdict.text) == ("unknown", "is behind a proxy")
