"""`whisperwatch dashboards`: what an import by hand gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.grafana.conftest import FILES, every

from whisperwatch.cli import main


@pytest.fixture
def written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[Path]:
    assert main(["dashboards", "--out", str(tmp_path / "new" / "folder")]) == 0
    out = capsys.readouterr().out
    assert "Whisperwatch: Overview" in out
    assert "Import" in out
    return sorted((tmp_path / "new" / "folder").iterdir())


def test_all_are_written(written: list[Path]) -> None:
    assert [path.name for path in written] == [path.name for path in FILES]


def test_an_import_asks_for_each_data_source(written: list[Path]) -> None:
    for path in written:
        told = json.loads(path.read_text())
        asked = {one["name"]: one["pluginId"] for one in told["__inputs"]}
        used = {(one["type"], one["uid"]) for one in every(told, "datasource") if one["type"] != "grafana"}
        assert used == {(kind, f"${{{name}}}") for name, kind in asked.items()}, path
        assert told["id"] is None
        needed = {one["id"] for one in told["__requires"]}
        assert set(asked.values()) | {panel["type"] for panel in told["panels"]} <= needed


def test_nothing_else_is_changed(written: list[Path]) -> None:
    for path, ours in zip(written, FILES, strict=True):
        text = path.read_text()
        for kind in ("prometheus", "loki", "tempo"):
            text = text.replace(f"${{DS_{kind.upper()}}}", kind)
        told = json.loads(text)
        for key in ("__inputs", "__elements", "__requires", "id"):
            del told[key]
        assert told == json.loads(ours.read_text())


def test_a_folder_that_cant_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["dashboards", "--out", str(tmp_path / "file" / "below")]) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'file' / 'below'}: ")
