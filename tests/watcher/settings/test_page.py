from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from whisperwatch.watcher.settings.load import GROUPS, known_variables
from whisperwatch.watcher.settings.page import page
from whisperwatch.watcher.settings.reading import settings_of

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run: python -m whisperwatch.watcher.settings docs/configuration.md"
    )


def test_every_setting_is_on_it() -> None:
    text = page()
    assert [name for name in known_variables() if f"`{name}`" not in text] == []


def test_every_setting_says_what_it_does_and_what_is_right() -> None:
    for group in GROUPS:
        assert group.title
        for about in settings_of(group).values():
            assert about.help.endswith(".")
            assert about.right
            assert about.variables or about.yaml


def test_the_command_writes_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "whisperwatch.watcher.settings"]
    subprocess.run([*command, str(tmp_path / "page.md")], check=True)
    printed = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == printed == page()
