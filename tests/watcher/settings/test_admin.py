"""Who may use the admin commands, as it is set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from whisperwatch.watcher.settings import load

GUILD, ROLE, OTHER, USER = 348805820466790400, 348805820466790401, 348805820466790402, 348805820466790403


def test_ids_from_the_environment(tmp_path: Path) -> None:
    environ = {
        "ADMIN_GUILD_ID": f" {GUILD} ",
        "ADMIN_ROLE_IDS": f"{ROLE}, {OTHER}",
        "ADMIN_USER_IDS": str(USER),
        "ADMIN_CHANNEL_IDS": str(OTHER),
    }
    settings = load(environ, tmp_path)
    assert settings.problems == ()
    told = {name: value for name, value in settings.bot.items() if name.startswith("admin_")}
    assert told == {
        "admin_guild_id": GUILD,
        "admin_role_ids": [ROLE, OTHER],
        "admin_user_ids": [USER],
        "admin_channel_ids": [OTHER],
    }


def test_ids_from_monitoring_yaml(tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text(
        f"monitoring: {{admin: {{guild_id: {GUILD}, role_ids: [{ROLE}, '{OTHER}'], user_ids: {USER}}}}}"
    )
    settings = load({}, tmp_path)
    assert settings.problems == ()
    assert (settings.admin.guild_id, settings.admin.role_ids) == (GUILD, (ROLE, OTHER))
    assert settings.admin.user_ids == (USER,)


def test_roles_without_a_guild_admit_nobody(tmp_path: Path) -> None:
    assert load({"ADMIN_ROLE_IDS": str(ROLE)}, tmp_path).bot["admin_role_ids"] == []


@pytest.mark.parametrize("wrong", ["ops", "12", f"{ROLE} ops", "-348805820466790400", "٣٤٨٨٠٥٨٢٠٤٦٦٧٩٠٤٠٠"])
@pytest.mark.parametrize("name", ["ADMIN_GUILD_ID", "ADMIN_ROLE_IDS", "ADMIN_USER_IDS", "ADMIN_CHANNEL_IDS"])
def test_what_is_no_id_admits_nobody(tmp_path: Path, name: str, wrong: Any) -> None:
    settings = load({name: wrong}, tmp_path)
    assert [problem.name for problem in settings.problems] == [name]
    assert not any(value for key, value in settings.bot.items() if key.startswith("admin_"))
