import stat
from pathlib import Path

from medley_training.suites.answer_folder import ANSWERS, METRICS, write_answers, write_metrics


def test_what_may_hold_documents_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir(mode=0o755)
    (folder / ANSWERS).write_text("from before")
    (folder / ANSWERS).chmod(0o644)

    write_answers(folder, [])
    write_metrics(folder, {})

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {ANSWERS: 0o600, METRICS: 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
