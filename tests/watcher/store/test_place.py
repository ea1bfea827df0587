"""Where a store can lie, and that one process writes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from whisperwatch.watcher.store import place
from whisperwatch.watcher.store.errors import StoreError

MOUNTS = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /tmp rw - tmpfs tmpfs rw
31 22 0:26 / /home/me/net\040drive rw - nfs4 server:/x rw
32 22 0:27 / /mnt/ssh rw - fuse.sshfs me@host:/ rw
33 22 0:28 / /mnt/fuse rw - fuse.ntfs-3g /dev/sdb rw
34 22 0:29 / /srv rw - xfs /dev/sdc rw
35 34 0:30 / /srv rw - cifs //server/share rw
odd line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/bot/store.db", "ext4"), ("/tmp/x/store.db", "tmpfs"), ("/tmpfile", "ext4"),
        ("/home/me/net drive/store.db", "nfs4"), ("/home/me/net", "ext4"), ("/mnt/ssh/a", "fuse.sshfs"),
        ("/srv/a", "cifs"),
    ],
)  # fmt: skip
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    assert place.file_system(Path(path), MOUNTS) == kind


@pytest.mark.parametrize("path", ["/home/me/net drive/store.db", "/mnt/ssh/store.db", "/srv/store.db"])
def test_a_network_is_refused(path: str) -> None:
    with pytest.raises(StoreError, match=r"network file system .*: give the store a path on a disk"):
        place.refuse_network(Path(path), MOUNTS)


@pytest.mark.parametrize("path", ["/var/store.db", "/tmp/store.db", "/mnt/fuse/store.db"])
def test_a_disk_is_not(path: str) -> None:
    place.refuse_network(Path(path), MOUNTS)


def test_what_a_restart_empties_is_said() -> None:
    assert "a restart of the machine empties it" in str(place.warning(Path("/tmp/store.db"), MOUNTS))
    assert place.warning(Path("/var/store.db"), MOUNTS) is None
    assert "Mount a volume" in str(place.warning(Path("/a"), "22 1 8:1 / / rw - overlay overlay rw"))


def test_without_proc_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_MOUNTS", Path("/nowhere/mountinfo"))
    place.refuse_network(Path("/srv/store.db"))


def test_a_second_process_is_told_who_has_it(path: Path) -> None:
    lock = place.Lock(path)
    code = (
        "import sys\nfrom pathlib import Path\nfrom whisperwatch.watcher.store import place\n"
        "try:\n    place.Lock(Path(sys.argv[1]))\n"
        "except Exception as error:\n    print(error)\nelse:\n    print('got it')"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    ).stdout
    assert "is written by process" in told
    assert "one state directory" in told
    lock.release()
    told = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    ).stdout
    assert told.strip() == "got it"
