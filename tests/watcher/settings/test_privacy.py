from __future__ import annotations

import re
from pathlib import Path

import pytest

from whisperwatch.state import hash_key_of
from whisperwatch.watcher.settings import load
from whisperwatch.watcher.settings.privacy import Privacy
from whisperwatch.watcher.settings.show import shown

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


def test_a_key_may_be_in_a_file_but_not_in_two_places(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert privacy(tmp_path, WHISPERWATCH_HASH_KEY_FILE=str(file)).hash_key == hash_key_of(KEY)
    both = load({"WHISPERWATCH_HASH_KEY": KEY, "WHISPERWATCH_HASH_KEY_FILE": str(file)}, tmp_path)
    assert [problem.wrong for problem in both.problems] == ["and WHISPERWATCH_HASH_KEY_FILE are both set"]


def test_secrets_are_named_whoever_says_them(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file-0123456789")
    settings = load(
        {"HEALTH_CHECK_TOKEN_FILE": str(tmp_path / "token"), "WHISPERWATCH_HASH_KEY": KEY},
        tmp_path,
        code={"DASHBOARD_SECRET_KEY": "from-the-code-0123456789"},
    )
    assert settings.secrets() == {
        "HEALTH_CHECK_TOKEN": "from-a-file-0123456789",
        "DASHBOARD_SECRET_KEY": "from-the-code-0123456789",
    }


def test_the_value_of_an_unknown_key_is_shown_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text(
        "monitoring:\n  api_key: sesame-0123\n  sink: https://me:sesame-0123@example.org\n"
    )
    told = "\n".join(map(str, load({}, tmp_path).problems))
    assert "monitoring.api_key=(not shown)" in told
    assert "monitoring.sink=https://***@example.org" in told
    assert "sesame" not in told


def test_patterns_are_shown_as_they_were_written(tmp_path: Path) -> None:
    settings = load({"WHISPERWATCH_REDACT_PATTERNS": r"case-\d+"}, tmp_path)
    assert shown(settings.values["WHISPERWATCH_REDACT_PATTERNS"]) == r"case-\d+"
