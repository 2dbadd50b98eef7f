"""A person brings a model of another program: what its file does not say is asked for, then it labels."""

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QRadioButton

from app.dialogs.foreign_model import ForeignModelDialog
from detector.model.info import ADVPROP, IMAGENET, read_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Person

KEY = Qt.Key
LONG = 120_000  # ms


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[int], bytes]":
    """A D0 with so many outputs in effdet's format, with random weights."""
    import torch

    from detector.model.checkpoint import Model
    from detector.model.efficientdet import build
    from detector.model.info import ModelInfo
    from detector.model.published import save_effdet
    from detector.model.variants import VARIANTS

    folder = tmp_path_factory.mktemp("made")

    def call(outputs: int) -> bytes:
        torch.manual_seed(0)
        path = folder / f"{outputs}.pth"
        if not path.exists():
            names = tuple(map(str, range(outputs)))
            info = ModelInfo("d0", 512, names, tuple(range(1, outputs + 1)))
            save_effdet(Model(build(VARIANTS["d0"], outputs), info), path)
        return path.read_bytes()

    return call


@pytest.fixture
def me(start: "Callable[..., Person]", folder: Path) -> "Person":
    person = start(folder)
    person.wait(person.sees_picture)
    return person


@pytest.fixture
def open_file(me: "Person", monkeypatch: pytest.MonkeyPatch) -> "Callable[[Path], None]":
    """Opens a file with the row of the model menu; the system's dialog gives it."""

    def call(path: Path) -> None:
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(path), ""))
        menu = me.window.top_bar.model_button.menu()
        next(action for action in menu.actions() if action.text().startswith("Open a model file")).trigger()

    return call


def sheet(me: "Person") -> ForeignModelDialog:
    me.wait(lambda: isinstance(QApplication.activeModalWidget(), ForeignModelDialog), LONG)
    found = QApplication.activeModalWidget()
    assert isinstance(found, ForeignModelDialog)
    # Keys go there only once it has the focus, which takes its time on a busy machine.
    me.wait(lambda: (focus := QApplication.focusWidget()) is not None and found.isAncestorOf(focus), LONG)
    return found


def model(me: "Person") -> str:
    return me.window.top_bar.model_button.text()


def said(me: "Person") -> list[str]:
    return [notice.text for notice in me.notices]


def test_asked_kept_chosen_and_used(
    me: "Person", open_file: "Callable[[Path], None]", content: "Callable[[int], bytes]", tmp_path: Path, home: Path
) -> None:
    path = tmp_path / "parts.v2.pth"
    path.write_bytes(content(2))
    open_file(path)
    dialog = sheet(me)
    assert model(me).startswith("Starter")
    me.press(KEY.Key_Down, KEY.Key_Space, KEY.Key_Tab)
    me.type("gear")
    me.press(KEY.Key_Return)
    me.type("cog")
    me.click(dialog.confirm)
    me.wait(lambda: model(me).startswith("parts.v2 · D0 · 512 px"), LONG)
    kept = home / "XDG_DATA_HOME" / "efficientdet-studio" / "models" / "parts.v2.safetensors"
    assert me.window.document.project.settings.get("model") == me.window.model.source == str(kept)
    info = read_info(kept)
    assert (info.classes, info.normalisation, info.parent) == (("gear", "cog"), ADVPROP, "parts.v2.pth")
    assert path.read_bytes() == content(2)
    assert any(text.startswith("parts.v2.pth is in use") for text in said(me))
    me.window.actions_["label-image"].trigger()
    me.wait(lambda: me.window.labelling.is_running)
    me.wait(lambda: not me.window.labelling.is_running, LONG)
    assert {"gear", "cog"} <= {item.name for item in me.window.document.classes}

    open_file(path)  # the same once more
    dialog = sheet(me)
    me.press(KEY.Key_Down, KEY.Key_Space)
    assert dialog.names is not None
    dialog.names.setPlainText("gear\ncog")
    me.click(dialog.confirm)
    assert me.window.model_opening.is_running
    me.wait(lambda: not me.window.model_opening.is_running, LONG)
    assert me.window.model.source == str(kept)
    assert list(kept.parent.iterdir()) == [kept]

    open_file(path)  # another one of that name replaces nothing
    dialog = sheet(me)
    dialog.findChildren(QRadioButton)[0].click()
    assert dialog.names is not None
    dialog.names.setPlainText("a\nb")
    me.click(dialog.confirm)
    me.wait(lambda: model(me).startswith("parts.v2-2 · D0"), LONG)
    assert read_info(kept) == info
    second = read_info(kept.with_name("parts.v2-2.safetensors"))
    assert (second.classes, second.normalisation) == (("a", "b"), IMAGENET)
    offered = [item.title for group in me.window.model.groups() for item in group.choices]
    assert {"parts.v2 · D0 · 512 px", "parts.v2-2 · D0 · 512 px"} <= set(offered)


def test_a_file_that_says_all_is_taken_as_it_is(
    me: "Person", open_file: "Callable[[Path], None]", content: "Callable[[int], bytes]", tmp_path: Path, home: Path
) -> None:
    path = tmp_path / "tf_efficientdet_d0_34-f153e0cf.pth"
    path.write_bytes(content(90))
    open_file(path)
    me.wait(lambda: me.window.model.source == str(path), LONG)
    assert model(me) == path.stem
    assert QApplication.activeModalWidget() is None
    assert not (home / "XDG_DATA_HOME" / "efficientdet-studio" / "models").exists()


class Trap:
    """A pickle that opens a file where it runs."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> "tuple[Callable[..., object], tuple[Path]]":
        return Path.touch, (self._marker,)


def test_files_that_are_none_are_refused_in_one_sentence(
    me: "Person", open_file: "Callable[[Path], None]", content: "Callable[[int], bytes]", tmp_path: Path
) -> None:
    import torch

    marker, tensors = tmp_path / "marker", tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, tensors)
    files = {
        "other.pth": (tensors.read_bytes(), "is not an EfficientDet in effdet's or zylo117's format"),
        "code.pth": (pickle.dumps(Trap(marker), protocol=2), "holds more than plain tensors"),
        "cut.pth": (content(2)[:100_000], "cannot be read as a PyTorch checkpoint"),
        "efficientdet_d0-f3276ba8.pth": (content(90), "pads differently from the tf_ models"),
        "tf_efficientdet_d1.pth": (content(90), "does not fit D1: "),
        "theirs.safetensors": (b"junk", "cannot be read as a .safetensors checkpoint"),
    }
    for name, (written, complaint) in files.items():
        (tmp_path / name).write_bytes(written)
        open_file(tmp_path / name)
        me.wait(lambda: not me.window.model_opening.is_running, LONG)
        assert said(me)[-1].startswith(str(tmp_path / name))
        assert complaint in said(me)[-1]
        assert said(me)[-1].count("\n") == 0
    assert not marker.exists()
    assert model(me).startswith("Starter")
    assert QApplication.activeModalWidget() is None


def test_the_sheet_can_be_left(
    me: "Person", open_file: "Callable[[Path], None]", content: "Callable[[int], bytes]", tmp_path: Path, home: Path
) -> None:
    (tmp_path / "best.pth").write_bytes(content(2))
    open_file(tmp_path / "best.pth")
    sheet(me)
    me.press(KEY.Key_Escape)
    assert QApplication.activeModalWidget() is None
    assert model(me).startswith("Starter")
    assert not (home / "XDG_DATA_HOME" / "efficientdet-studio" / "models").exists()
