"""The pages say what is so: generated ones are fresh, commands exist, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from whisperwatch import semconv
from whisperwatch.cli import main
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.language import MetricQuestion
from whisperwatch.watcher.query.language.checking import check
from whisperwatch.watcher.query.language.parsing import parse
from whisperwatch.watcher.query.language.printing import text as printed

PROJECT = Path(__file__).parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_generated_pages_are_fresh() -> None:
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_metric_is_on_its_page() -> None:
    page = text(PROJECT / "docs" / "metrics.md")
    assert [metric.name for metric in semconv.METRICS if f"| `{metric.name}` |" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Files by their path, headings by the anchors that GitHub makes of them."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text(page)):
        link = "".join(target)
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in anchors(text(file))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(PROJECT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text(page), re.MULTILINE)) <= targets


def test_questions_are_questions() -> None:
    """Each example of the language means what its print means."""
    blocks = re.findall(r"```question\n(.*?)```", text(PROJECT / "docs" / "queries.md"), re.DOTALL)
    questions = [line for block in blocks for line in block.splitlines()]
    assert len(questions) > 10
    for typed in questions:
        question = parse(typed)
        assert parse(printed(question)) == question
        if isinstance(question, MetricQuestion):
            check(question.expression, DECLARED)


def test_ci_runs_what_the_readme_says() -> None:
    ci = text(PROJECT / ".ci" / "run")
    for command in ("make lint", "make test", "make test-stack"):
        assert f"\n{command}" in text(PROJECT / "README.md")
        assert re.search(rf"^ *{command} ", ci, re.MULTILINE)


def test_commands_in_the_readme_exist(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    known = set(re.findall(r"^  ([a-z]+) ", capsys.readouterr().out, re.MULTILINE))
    commands = set(re.findall(r"\bwhisperwatch ([a-z]+)", text(PROJECT / "README.md")))
    assert commands <= known
    assert commands >= {"run", "demo", "check"}


def test_settings_in_the_readme_exist() -> None:
    documented = text(PROJECT / "docs" / "configuration.md")
    names = set(
        re.findall(r"\b(?:WHISPERWATCH|OTEL|HEALTH_CHECK|PERFORMANCE)_[A-Z_]+\b", text(PROJECT / "README.md"))
    )
    assert [name for name in names if f"`{name}`" not in documented] == []


def test_changelog_has_this_version() -> None:
    from whisperwatch.version import __version__

    assert re.search(
        rf"^## \[({re.escape(__version__)}|Unreleased)\]", text(PROJECT / "CHANGELOG.md"), re.MULTILINE
    )


def anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
