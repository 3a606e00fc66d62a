from pathlib import Path

import pytest
from medley_registry import mounts

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:27 / /srv rw,relatime shared:5 - nfs4 server:/srv rw,vers=4.2
31 30 254:1 / /srv/local rw - xfs /dev/vdb rw
32 22 0:31 / /mnt/two\\040words rw - cifs //server/share rw
33 22 0:32 / /over rw - nfs server:/over rw
34 22 0:33 / /over rw master:1 propagate_from:2 - tmpfs tmpfs rw
"""


@pytest.fixture(autouse=True)
def mountinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTS)
    monkeypatch.setattr(mounts, "_MOUNTS", path)
    return path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/home/ada/registry", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/medley/registry", "nfs4"),
        ("/srvx", "ext4"),
        ("/srv/local/registry", "xfs"),
        ("/mnt/two words/registry", "cifs"),
        ("/over/registry", "tmpfs"),
    ],
)
def test_the_innermost_and_newest_mount_counts(folder: str, kind: str) -> None:
    assert mounts.file_system_of(Path(folder)) == kind


def test_a_link_lies_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/srv/medley")

    assert mounts.file_system_of(tmp_path / "link" / "registry") == "nfs4"


def test_a_machine_that_does_not_tell_gives_nothing(mountinfo: Path) -> None:
    mountinfo.unlink()

    assert mounts.file_system_of(Path("/srv")) == ""
