from __future__ import annotations

import re
from pathlib import Path

import pytest

from whisperwatch.state import hash_key_of
from whisperwatch.watcher.settings import load
from whisperwatch.watcher.settings.privacy import Privacy

KEY = "0123456789abcdef" * 2


def privacy(directory: Path, **environ: str) -> Privacy:
    settings = load(environ, directory)
    assert settings.problems == settings.warnings == ()
    return settings.privacy


def test_by_default_nothing_is_let_out(tmp_path: Path) -> None:
    assert privacy(tmp_path) == Privacy()
    assert not (Privacy().expose_ids)
    assert not (Privacy().expose_emails)
    assert not (Privacy().expose_words)


def test_each_is_set_by_itself(tmp_path: Path) -> None:
    assert privacy(tmp_path, WHISPERWATCH_EXPOSE_IDS="true").given == {"expose_ids"}
    assert load({"WHISPERWATCH_EXPOSE_IDS": "true"}, tmp_path).export.expose_ids
    assert privacy(tmp_path, WHISPERWATCH_EXPOSE_EMAILS="true").given == {"expose_emails"}
    assert privacy(tmp_path, WHISPERWATCH_EXPOSE_WORDS="true").given == {"expose_words"}
    assert privacy(tmp_path, WHISPERWATCH_HASH_KEY=KEY).hash_key == hash_key_of(KEY)


def test_patterns_come_a_line_each_or_as_a_list(tmp_path: Path) -> None:
    two = (re.compile(r"case-\d+"), re.compile("a,b"))
    assert privacy(tmp_path, WHISPERWATCH_REDACT_PATTERNS="case-\\d+\n\na,b\n").redact == two
    (tmp_path / "monitoring.yaml").write_text(
        "monitoring:\n  privacy:\n    redact_patterns: ['case-\\d+', 'a,b']\n"
    )
    assert privacy(tmp_path).redact == two


@pytest.mark.parametrize(("given", "wrong"), [("(", "can't be read"), ("a*", "matches nothing")])
def test_a_wrong_pattern_is_said(tmp_path: Path, given: str, wrong: str) -> None:
    settings = load({"WHISPERWATCH_REDACT_PATTERNS": given}, tmp_path)
    assert wrong in str(settings.problems[0])
    assert settings.privacy.redact == ()


def test_a_short_key_is_said_but_not_shown(tmp_path: Path) -> None:
    (problem,) = load({"WHISPERWATCH_HASH_KEY": "too-short"}, tmp_path).problems
    assert "too-short" not in str(problem)
    assert "at least 32 characters" in str(problem)
