"""A person picks a model whose weights are not here: they come from the network, or from a file, and it labels."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QFileDialog

from app.panels.top_bar import Progress
from detector.model.weights import PublishedWeights
from tests.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.journeys.conftest import Person

LONG = 120_000  # ms
ABSENT = "The COCO weights of D0 are not on this machine."


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A D0 for COCO in effdet's format, with random weights."""
    import torch

    from detector.model.checkpoint import Model
    from detector.model.coco_names import coco_classes
    from detector.model.efficientdet import build
    from detector.model.info import ModelInfo
    from detector.model.published import save_effdet
    from detector.model.variants import VARIANTS

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("made") / "d0.pth"
    info = ModelInfo("d0", 512, coco_classes(), tuple(range(1, 91)))
    save_effdet(Model(build(VARIANTS["d0"], 90), info), path)
    return path.read_bytes()


@pytest.fixture
def me(mirror: Mirror, start: "Callable[..., Person]", folder: Path) -> "Person":
    person = start(folder)
    person.wait(person.sees_picture)
    return person


def pick(me: "Person", title: str) -> None:
    menu = me.window.top_bar.model_button.menu()
    next(action for action in menu.actions() if action.text().startswith(title)).trigger()


def model(me: "Person") -> str:
    return me.window.top_bar.model_button.text()


def said(me: "Person") -> list[str]:
    return [notice.text for notice in me.notices]


def test_picked_downloaded_over_a_broken_line_and_used(me: "Person", mirror: Mirror, d0: PublishedWeights) -> None:
    mirror.cuts = [len(mirror.content) // 2]
    pick(me, "D0")
    assert said(me) == [ABSENT]
    assert model(me).startswith("Starter")
    told: list[tuple[str, float | None]] = []
    me.window.weights.progressed.connect(lambda text, share: told.append((text, share)))
    me.click_button("Download (16 MB)")
    me.wait(lambda: model(me).startswith("D0 · COCO"))
    assert said(me) == ["The COCO weights of D0 are here."]
    assert mirror.asked == [0, len(mirror.content) // 2]
    assert told[0] == ("Fetching D0…", None)
    assert told[-1][0].startswith("Fetching D0 · 16 of 16 MB")
    assert not me.window.top_bar.findChild(Progress).isVisible()
    me.window.actions_["label-image"].trigger()
    me.wait(lambda: me.window.labelling.is_running)
    me.wait(lambda: not me.window.labelling.is_running, LONG)
    assert [made.model for made in me.window.document.project.passes.all()][-1] == "D0"


def test_stopped_and_taken_up_again(me: "Person", mirror: Mirror, d0: PublishedWeights) -> None:
    mirror.silent_after = 4096 * 100
    pick(me, "D0")
    me.click_button("Download (16 MB)")
    progress = me.window.top_bar.findChild(Progress)
    part = d0.path.with_name(f"{d0.file}.part")
    me.wait(lambda: progress.isVisible() and part.exists() and part.stat().st_size)
    pick(me, "D0")
    assert said(me)[-1].startswith("Fetching D0 is still under way")
    me.click(progress.cancel_button)
    me.wait(lambda: not me.window.weights.is_running)
    assert not progress.isVisible()
    assert model(me).startswith("Starter")
    mirror.silent_after = None
    mirror.spoken.set()
    pick(me, "D0")
    me.click_button("Download (16 MB)")
    me.wait(lambda: model(me).startswith("D0 · COCO"))
    assert mirror.asked[1] > 0


def test_no_network_is_said_and_the_file_can_be_chosen(
    me: "Person", mirror: Mirror, d0: PublishedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.status = 503
    pick(me, "D0")
    me.click_button("Download (16 MB)")
    me.wait(lambda: not me.window.weights.is_running and me.notices)
    assert f"put {d0.file} from {mirror.address}/{d0.file} into {d0.path.parent}" in said(me)[-1]
    (tmp_path / "fetched otherwise.pth").write_bytes(mirror.content)
    (tmp_path / "other.pth").write_bytes(b"other")
    for name in ("other.pth", "fetched otherwise.pth"):
        chosen = (str(tmp_path / name), "")
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, chosen=chosen, **__: chosen)
        pick(me, "D0")
        me.click_button("Choose their file…")
        me.wait(lambda: not any(job.name == "Copying weights" for job in me.window.jobs.running))
    assert any("other.pth is none of the published files" in text for text in said(me))
    me.wait(lambda: model(me).startswith("D0 · COCO"))
    assert d0.path.read_bytes() == mirror.content


def test_advprop_s_models_are_offered_in_a_menu_of_their_own(me: "Person") -> None:
    (folded,) = (action.menu() for action in me.window.top_bar.model_button.menu().actions() if action.menu())
    next(action for action in folded.actions() if action.text().startswith("D3 AdvProp")).trigger()
    assert said(me) == ["The COCO weights of D3 AdvProp are not on this machine."]
    assert me.button("Download (49 MB)").isVisible()


def test_labelling_with_weights_that_went_asks_for_them(me: "Person", mirror: Mirror, d0: PublishedWeights) -> None:
    d0.path.parent.mkdir(parents=True)
    d0.path.write_bytes(mirror.content)
    me.window.model.refresh()
    pick(me, "D0")
    assert model(me).startswith("D0 · COCO")
    d0.path.unlink()
    me.window.actions_["label-image"].trigger()
    assert said(me) == [ABSENT]
    assert not me.window.labelling.is_running


def test_closing_the_window_ends_the_download(me: "Person", mirror: Mirror, d0: PublishedWeights) -> None:
    mirror.silent_after = 4096 * 100
    pick(me, "D0")
    me.click_button("Download (16 MB)")
    part = d0.path.with_name(f"{d0.file}.part")
    me.wait(lambda: part.exists() and part.stat().st_size)
    me.window.close()
    me.wait(lambda: not me.window.jobs.running)
    assert part.exists()
    assert not d0.path.exists()
