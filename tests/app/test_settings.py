"""What is remembered comes back; what is damaged does not harm."""

from pathlib import Path

from app.settings import LABELS_ALWAYS, RECENT, TABLE, THEME, Settings


def test_values_come_back_after_a_restart(tmp_path: Path):
    file = tmp_path / "settings.ini"
    first = Settings(file)
    assert first.get(THEME) == "system"
    first.set(THEME, "dark")
    first.set(LABELS_ALWAYS, True)
    first._store.sync()
    again = Settings(file)
    assert (again.get(THEME), again.get(LABELS_ALWAYS)) == ("dark", True)


def test_damaged_values_fall_back(tmp_path: Path):
    file = tmp_path / "settings.ini"
    file.write_text('[General]\ntheme=[1\nrecent=7\nshortcuts="{\\"draw\\": [\\"X\\", 5], \\"fit\\": 5}"\n')
    settings = Settings(file)
    assert settings.get(THEME) == "system"
    assert settings.recent() == []
    assert settings.shortcuts() == {"draw": ["X"]}


def test_recent_folders_are_newest_first_without_repeats(tmp_path: Path):
    settings = Settings(tmp_path / "settings.ini")
    for name in (*"abcdefghij", "c"):
        settings.add_recent(tmp_path / name)
    assert [path.name for path in settings.recent()] == list("cjihgfed")


def test_keys_of_the_table_are_used_once():
    assert len({setting.key for setting in TABLE}) == len(TABLE)
    assert RECENT in TABLE
