"""Files that are written beside themselves first, and what a kill leaves of that."""

from pathlib import Path

from detector.files import replacing, sweep


def test_what_a_kill_left_half_written_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    for name in ("photo.part", ".hidden.part", ".half"):
        (tmp_path / name).write_text("theirs")
    with replacing(tmp_path / "a.json") as temporary:
        torn = tmp_path / f".{'0' * (len(temporary.stem) - 1)}.part"  # as another writer's that was killed
        torn.write_bytes(b"half")
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".half", ".hidden.part", "a.json", "photo.part"]
