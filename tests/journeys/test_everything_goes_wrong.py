"""Everything goes wrong: each time one sentence, a way out, and no label lost."""

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from app.background.exporting import FILE
from app.notifications import Kind
from detector.data.project.home import NAME
from detector.data.project.store import Project
from tests.journeys.steps import draw, open_folder, stored

if TYPE_CHECKING:
    from tests.journeys.conftest import Person

Key, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier
LONG = 120_000  # ms that a model may need to load on a busy machine
ON_NUT = (150.0, 140.0)


@pytest.fixture
def me(start: "Callable[..., Person]", folder: Path) -> "Person":
    """A person before five pictures, who has drawn a nut on the first one, where a model sees two things more."""
    person = open_folder(start, folder)
    draw(person)
    return person


def only_notice(me: "Person", kind: Kind = Kind.ERROR) -> str:
    """The one sentence that the window says."""
    me.wait(lambda: me.notices)
    (notice,) = me.notices
    assert notice.kind is kind
    assert notice.text.endswith((".", "?"))
    assert "Traceback" not in notice.text
    assert notice.text.count(". ") == 0, notice.text
    return notice.text


def fill_disk(project: Project) -> None:
    """From now on the store cannot grow: SQLite itself says so, as it does on a full disk."""
    raw = project.database._connection
    (pages,) = raw.execute("PRAGMA page_count").fetchone()
    raw.execute(f"PRAGMA max_page_count = {pages}")


def free_disk(project: Project) -> None:
    """There is room again."""
    project.database._connection.execute("PRAGMA max_page_count = 1000000")


def test_the_disk_is_full_while_one_draws(me: "Person", folder: Path) -> None:
    document = me.window.document
    fill_disk(document.project)
    while not me.notices:
        before, steps = me.boxes, document.undo_stack.count()
        assert steps < 500
        draw(me)
    assert "the disk is full, so the last change was not stored; free some space and repeat it" in only_notice(me)
    assert (me.boxes, document.undo_stack.count()) == (before, steps)  # what is not stored is not shown
    assert {box.id for box in stored(folder)["a1.png"][1]} == {key for key in before if key > 0}
    me.press(Key.Key_D)
    me.wait(me.sees_picture)
    assert me.path == "a2.png"  # one can still look
    me.press(Key.Key_A)
    me.click(me.window.notices.cards()[0].close_button)
    free_disk(document.project)
    draw(me)
    assert len(me.boxes) == len(before) + 1
    me.press(Key.Key_Z, modifiers=CTRL)
    assert me.boxes == before
    assert me.notices == []


def test_the_disk_is_full_as_coco_is_written(me: "Person", folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me.press(Key.Key_S, modifiers=CTRL)
    me.wait(lambda: me.notices)
    me.click(me.window.notices.cards()[0].close_button)
    before = (folder / FILE).read_bytes()
    draw(me)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    me.press(Key.Key_S, modifiers=CTRL)
    assert FILE in only_notice(me)
    assert (folder / FILE).read_bytes() == before
    assert [path.name for path in folder.iterdir() if path.suffix == ".part"] == []
    monkeypatch.undo()
    me.click(me.window.notices.cards()[0].close_button)
    me.press(Key.Key_S, modifiers=CTRL)
    assert only_notice(me, Kind.INFO).startswith(f"{FILE}: 2 boxes on 5 images in ")
    assert (folder / FILE).read_bytes() != before


def test_the_window_closes_though_nothing_can_be_written(me: "Person", folder: Path) -> None:
    before = stored(folder)
    me.window.document.project.database._connection.execute("PRAGMA query_only = ON")  # which SQLite tells as ours
    me.press(Key.Key_D)
    me.quit()
    assert stored(folder) == before


def test_the_power_goes(me: "Person", folder: Path, tmp_path: Path, start: "Callable[..., Person]") -> None:
    before = me.boxes
    draw(me)
    log = tmp_path / "found" / NAME / "project.db-wal"
    shutil.copytree(folder, tmp_path / "found")  # the files as they are at this moment
    os.truncate(log, log.stat().st_size - 100)  # the last gesture had not reached the disk in full
    me.quit()
    me = open_folder(start, tmp_path / "found")
    assert me.boxes == before
    assert me.notices == []
    draw(me)
    assert len(me.boxes) == len(before) + 1


def test_the_store_is_damaged(me: "Person", folder: Path, start: "Callable[..., Person]") -> None:
    before = stored(folder)
    me.quit()
    store = folder / NAME / "project.db"
    data = bytearray(store.read_bytes())
    data[:4096] = bytes(4096)
    store.write_bytes(data)
    me = open_folder(start, folder)
    said = only_notice(me, Kind.WARNING)
    assert "was damaged, and is made anew with the 1 box that could be read" in said
    assert str(folder / NAME / "damaged") in said
    (kept,) = (folder / NAME / "damaged").glob("*/project.db")
    assert kept.read_bytes() == data
    assert stored(folder) == before
    draw(me)
    assert len(stored(folder)["a1.png"][1]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows renames no folder with open files")
def test_the_folder_is_renamed_while_it_is_open(me: "Person", folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "renamed")
    draw(me)
    kept = {key for key in me.boxes if key > 0}
    me.press(Key.Key_End)
    me.wait(lambda: not me.window.jobs.running)
    assert me.window.canvas.picture_size is None
    assert "a5.png: there is no such file; check the path." in me.window.canvas._message
    me.press(Key.Key_S, modifiers=CTRL)
    assert "cannot be opened; check that its folder is there" in only_notice(me)
    me.quit()
    assert not folder.exists()
    assert {box.id for box in stored(tmp_path / "renamed")["a1.png"][1]} == kept


def test_the_folder_was_renamed_before(
    me: "Person", folder: Path, tmp_path: Path, start: "Callable[..., Person]"
) -> None:
    before = stored(folder)
    me.quit()
    folder.rename(tmp_path / "renamed")
    me = start()
    button = me.button(folder.name)
    assert not button.isEnabled()
    assert "moved or renamed" in button.toolTip()
    me.window.files.open_path(folder)
    assert str(folder) in only_notice(me)
    me = open_folder(start, tmp_path / "renamed")
    assert me.notices == []
    assert stored(tmp_path / "renamed") == before


def test_a_second_window_reads_only_until_it_is_opened_anyway(
    me: "Person", folder: Path, start: "Callable[..., Person]"
) -> None:
    before = me.boxes
    other = open_folder(start, folder)
    assert "is open in another window" in only_notice(other, Kind.WARNING)
    draw(other)
    other.press(Key.Key_Space, Key.Key_E)
    assert other.boxes == before
    assert len(other.notices) == 1
    other.click_button("Open anyway")
    other.wait(lambda: other.sees_picture() and not other.window.jobs.running)
    assert other.notices == []
    draw(other)
    assert len(other.boxes) == len(before) + 1


@pytest.mark.parametrize("text", ["[1, 2]", "no JSON", '{"images": 3}', '{"images": [], "annotations": []}'])
def test_a_file_that_is_no_coco_file(
    text: str, start: "Callable[..., Person]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, file = tmp_path / "new", tmp_path / "labels.json"
    pictures.mkdir()
    Image.new("RGB", (64, 48)).save(pictures / "one.png")
    file.write_text(text)
    me = start()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(file), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(pictures))
    me.click_button("Open a COCO data set")
    assert str(file) in only_notice(me)
    me.wait(lambda: not me.window.jobs.running)
    assert str(file) in only_notice(me)
    assert len(me.window.document.images) == 1  # the pictures are open, and another file can be imported
    assert me.window.actions_["import"].isEnabled()


# Models


def label_all(me: "Person") -> None:
    """Labels, and closes what the window tells once of the starter."""
    over: list[bool] = []
    connection = me.window.labelling.ended.connect(lambda: over.append(True))
    me.click_button("Auto-label all")
    for card in me.window.notices.cards():
        if card.notice.text.startswith("The starter knows only "):
            me.click(card.close_button)
    me.wait(lambda: over, LONG)
    me.window.labelling.ended.disconnect(connection)


def choose_model(me: "Person", file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names a file in the dialog behind the last entry of the models' menu."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(file), ""))
    (entry,) = (item for item in me.window.top_bar.model_button.menu().actions() if item.text().startswith("Open a"))
    entry.trigger()


def test_a_truncated_picture(start: "Callable[..., Person]", folder: Path) -> None:
    whole = (folder / "a2.png").read_bytes()
    (folder / "a2.png").write_bytes(whole[: len(whole) // 3])
    me = open_folder(start, folder)
    draw(me)
    me.press(Key.Key_D)
    me.wait(lambda: "a2.png" in me.window.canvas._message)
    label_all(me)
    assert only_notice(me, Kind.WARNING) == "1 image could not be read; the others are labelled."
    assert "a2.png" in me.notices[0].details
    assert len(stored(folder)["a1.png"][1]) == 1
    (folder / "a2.png").write_bytes(whole)
    me.click(me.window.notices.cards()[0].close_button)
    label_all(me)
    assert only_notice(me, Kind.INFO).startswith("1 image labelled; 4 had been labelled by Starter before")


def test_the_gpu_runs_out_of_memory(me: "Person", folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from detector.inference import sources
    from detector.inference.torch_engine import TorchEngine

    def lacking(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    before = stored(folder)
    monkeypatch.setattr(sources, "is_cpu", lambda _: False)
    monkeypatch.setattr(TorchEngine, "outputs", lacking)
    label_all(me)
    assert only_notice(me).startswith("The GPU's memory does not hold one image of ")
    assert stored(folder) == before
    monkeypatch.undo()
    me.click(me.window.notices.cards()[0].close_button)
    label_all(me)
    assert me.notices == []


class Bomb:
    """What a malicious file would have done if anything had unpickled it."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("kind", ["a malicious pickle", "no model", "no safetensors", "other weights", "an empty file"])
def test_a_model_file_that_is_none(
    kind: str, me: "Person", folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    trace, name = tmp_path / "trace", "bad.safetensors" if kind == "no safetensors" else "tf_efficientdet_d0-bad.pth"
    bad = tmp_path / name
    match kind:
        case "a malicious pickle":
            torch.save({"state_dict": Bomb(trace)}, bad)
        case "other weights":
            torch.save({"layer.weight": torch.zeros(3, 3)}, bad)
        case _:
            bad.write_bytes(b"" if kind == "an empty file" else b"no model at all" * 9)
    before, chosen = stored(folder), me.window.model.source
    choose_model(me, bad, monkeypatch)
    assert name in only_notice(me)
    assert not trace.exists()
    assert stored(folder) == before
    assert me.window.model.source == chosen
