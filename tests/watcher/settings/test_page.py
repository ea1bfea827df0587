from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from whisperwatch.watcher.settings.load import ALL, known_variables
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
    for group in ALL:
        assert group.title
        for about in settings_of(group).values():
            assert about.help.endswith(".")
            assert about.right
            assert about.variables or about.yaml


def test_no_name_is_declared_twice() -> None:
    """A part that comes to use one of the guide's settings takes it out of `settings.guide`."""
    names = [
        name
        for group in ALL
        for about in settings_of(group).values()
        for name in {*about.variables[:1], *([about.yaml] if about.yaml else [])}
    ]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_what_is_not_yet_used_says_so_and_a_switch_says_what_off_means() -> None:
    text = page()
    assert (
        "`DASHBOARD_PORT` | `8080` | Its port; 0 takes any free one. **Not yet used**: the web dashboard."
        in text
    )
    assert "Off: No port is opened" in text
    assert "`parentbased_traceidratio`). `OTEL_TRACES_SAMPLER` wins." in text
    assert "| `30d` | How long metrics are kept." in text


def test_the_command_writes_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "whisperwatch.watcher.settings"]
    subprocess.run([*command, str(tmp_path / "page.md")], check=True)
    printed = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == printed == page()
