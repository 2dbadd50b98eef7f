"""How boxes look, pixel by pixel."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import theme
from app.canvas import box_layer
from app.canvas.ink import halo_of
from app.canvas.tools import Tool
from app.canvas.view import CanvasView
from app.document import Document
from app.verbs import box_verbs
from app.verbs.class_verbs import recolour_class, rename_class
from detector.data.project.records import Change, Origin, ProjectBox

if TYPE_CHECKING:
    from tests.app.canvas.conftest import Keys, Mouse

OUTER, INNER, ASIDE, OFFERED = (100, 100, 300, 300), (150, 150, 200, 200), (400, 100, 500, 200), (400, 300, 500, 400)
WHITE = QColor("#FFFFFF").rgb()


class Shot:
    """What the canvas shows; places are image pixels."""

    def __init__(self, canvas: CanvasView) -> None:
        self._image: QImage = canvas.grab().toImage()
        self._transform = canvas.viewportTransform()

    def at(self, x: float, y: float, *, by: tuple[int, int] = (0, 0)) -> int:
        """The colour at a place, `by` screen pixels beside it."""
        across, down = self._transform.map(x, y)
        return self._image.pixel(round(across) + by[0], round(down) + by[1])

    def upper_edge(self, box: tuple[float, float, float, float], *, by: int = 0) -> set[int]:
        """The colours along the upper edge of a box, `by` screen pixels below it."""
        return {self.at(x, box[1], by=(0, by)) for x in range(int(box[0]) + 20, int(box[2]) - 20)}

    def differs(self, other: "Shot") -> bool:
        """Whether any pixel does."""
        return self._image != other._image


def colour(document: Document, place: int) -> int:
    return QColor(document.classes[place].colour).rgb()


def test_boxes_are_solid_and_proposals_dashed_on_a_dark_halo(canvas: CanvasView, document: Document) -> None:
    shot, dark = Shot(canvas), QColor(halo_of(document.classes[0].colour)).rgb()
    for row in (-1, 0):
        assert shot.upper_edge(ASIDE, by=row) == {colour(document, 0)}
        assert shot.upper_edge(INNER, by=row) == {colour(document, 1)}
        assert shot.upper_edge(OFFERED, by=row) == {colour(document, 0), dark}
    for row in (-2, 1):
        assert shot.upper_edge(ASIDE, by=row) == {dark}
    assert colour(document, 0) not in shot.upper_edge(ASIDE, by=3)


@pytest.mark.parametrize("zoom", [0.7, 1.0, 4.0])
def test_lines_and_handles_keep_their_size(canvas: CanvasView, document: Document, keys: "Keys", zoom: float) -> None:
    document.set_selection([keys.aside])
    canvas.zoom_to(zoom)
    canvas.centerOn(450, 150)
    shot = Shot(canvas)
    assert [shot.at(430, 100, by=(0, row)) for row in (-2, -1, 0, 1)].count(colour(document, 0)) == 2
    for x, y in ((400, 100), (450, 100), (500, 200), (400, 150)):
        assert {shot.at(x, y, by=(step, step)) for step in (-2, 0, 2)} == {WHITE}
        assert shot.at(x, y, by=(4, 0)) != WHITE


def test_handles_are_out_for_one_selected_box_while_selecting(
    canvas: CanvasView, document: Document, keys: "Keys"
) -> None:
    assert Shot(canvas).at(450, 100) != WHITE
    document.set_selection([keys.aside])
    assert Shot(canvas).at(450, 100) == WHITE
    canvas.set_tool(Tool.DRAW)
    assert Shot(canvas).at(450, 100) != WHITE
    canvas.set_tool(Tool.SELECT)
    document.set_selection([keys.aside, keys.inner])
    assert Shot(canvas).at(450, 100) != WHITE


def test_labels_are_above_hovered_and_selected_boxes_or_all(
    canvas: CanvasView, document: Document, mouse: "Mouse", keys: "Keys"
) -> None:
    def labelled() -> list[bool]:
        shot = Shot(canvas)
        return [shot.at(box[0], box[1], by=(1, -12)) == colour(document, of) for box, of in ((ASIDE, 0), (INNER, 1))]

    mouse.move(50, 50)
    assert labelled() == [False, False]
    mouse.move(450, 150)
    assert labelled() == [True, False]
    document.set_selection([keys.inner])
    assert labelled() == [True, True]
    mouse.move(50, 50)
    assert labelled() == [False, True]
    document.set_selection([])
    canvas.set_labels_always(True)
    assert labelled() == [True, True]


def test_few_proposals_are_labelled_where_that_hides_nothing(
    canvas: CanvasView, document: Document, mouse: "Mouse", monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_labelled() -> bool:
        return Shot(canvas).at(OFFERED[0], OFFERED[1], by=(1, -12)) == colour(document, 0)

    mouse.move(50, 50)
    assert is_labelled()
    mouse.press(450, 150)
    mouse.move(455, 155)
    assert not is_labelled()  # while a gesture is under way
    mouse.release(450, 150)
    mouse.move(50, 50)
    assert is_labelled()
    monkeypatch.setattr(box_layer, "FEW", 1)
    assert not is_labelled()
    monkeypatch.undo()
    document.set_active_class(document.classes[1].id)
    box_verbs.draw(document, (380.0, 250.0, 520.0, 450.0))  # holds all places for the label
    document.set_selection([])
    assert not is_labelled()
    mouse.move(450, 350)
    assert is_labelled()  # whatever it hides: this is the one asked for


def test_hidden_boxes_are_not_painted(canvas: CanvasView, document: Document, keys: "Keys") -> None:
    document.set_selection([keys.aside])
    canvas.set_boxes_visible(False)
    assert colour(document, 0) not in Shot(canvas).upper_edge(ASIDE)
    canvas.set_boxes_visible(True)
    assert Shot(canvas).upper_edge(ASIDE) <= {colour(document, 0), WHITE}


def test_a_box_is_shown_where_the_mouse_takes_it_and_nowhere_else(
    canvas: CanvasView, document: Document, mouse: "Mouse"
) -> None:
    mouse.press(450, 150)
    mouse.move(450, 170)
    shot = Shot(canvas)
    assert shot.upper_edge((400, 120, 500, 220)) == {colour(document, 0), WHITE}  # the line and a handle
    assert not shot.upper_edge(ASIDE) & {colour(document, 0), WHITE}


def test_a_recoloured_class_is_repainted(canvas: CanvasView, document: Document) -> None:
    canvas.grab()
    recolour_class(document, document.classes[0].id, "#123456")
    shot = Shot(canvas)
    assert shot.upper_edge(ASIDE) == {QColor("#123456").rgb()}
    assert shot.upper_edge(ASIDE, by=1) == {QColor(halo_of("#123456")).rgb()}


def test_a_rectangle_is_shown_while_it_is_drawn(canvas: CanvasView, document: Document, mouse: "Mouse") -> None:
    canvas.set_tool(Tool.DRAW)
    mouse.press(320, 220)
    mouse.move(390, 290)
    shot = Shot(canvas)
    assert shot.at(340, 220) == colour(document, 0)
    mouse.release(390, 290)
    after = Shot(canvas)
    assert shot.at(390, 450) != after.at(390, 450)  # the crosshair
    assert shot.at(390, 450, by=(6, 0)) == after.at(390, 450, by=(6, 0))


def test_names_are_plain_text(canvas: CanvasView, document: Document, keys: "Keys") -> None:
    document.set_selection([keys.aside])
    rename_class(document, document.classes[0].id, "x")
    short = Shot(canvas)
    rename_class(document, document.classes[0].id, "<b>x</b>")
    assert Shot(canvas).at(400, 100, by=(40, -10)) != short.at(400, 100, by=(40, -10))


def test_another_theme_changes_the_ground(canvas: CanvasView, qapp: QApplication, qtbot: QtBot) -> None:
    before = theme.current()
    sheet, font, palette = qapp.styleSheet(), qapp.font(), qapp.palette()
    try:
        for look in (theme.LIGHT, theme.DARK):
            theme.apply(qapp, look)
            assert Shot(canvas).at(-5, -5) == QColor(look.canvas).rgb()
    finally:
        theme.apply(qapp, before)
        qapp.setStyleSheet(sheet)
        qapp.setFont(font)
        qapp.setPalette(palette)


@given(st.integers(0, 2**24 - 1))
def test_a_halo_sets_any_colour_off(rgb: int) -> None:
    colour = f"#{rgb:06x}"
    assert theme.contrast(colour, halo_of(colour)) >= 3


def test_lines_are_as_thick_on_a_screen_of_double_density(canvas: CanvasView, document: Document) -> None:
    """Paints the canvas as such a screen does, and counts how thick the upper edge of a box and its outline are."""
    segmentation = [[270, 120, 350, 120, 350, 180, 270, 180]]
    box = ProjectBox(
        document.opened.new_id(),
        document.visible[0],
        document.classes[1].id,
        (265.0, 110.0, 355.0, 190.0),
        Origin.IMPORTED,
        extra={"segmentation": segmentation},
    )
    document.do("import", Change(boxes=((None, box),)))
    thick = []
    for density in (1, 2):
        picture = QImage(canvas.size() * density, QImage.Format.Format_RGB32)
        picture.setDevicePixelRatio(density)
        painter = QPainter(picture)
        painter.setWorldTransform(canvas.viewportTransform())
        canvas.drawBackground(painter, canvas.mapToScene(canvas.viewport().rect()).boundingRect())
        painter.end()
        x, wanted = round(canvas.viewportTransform().map(290, 0)[0]), QColor(document.classes[1].colour)

        def is_line(y: float, x: int = x, wanted: QColor = wanted, picture: QImage = picture) -> bool:
            found = picture.pixelColor(x * round(picture.devicePixelRatio()), round(y))
            return max(abs(a - b) for a, b in zip(found.getRgb(), wanted.getRgb(), strict=True)) < 90

        edges = [density * canvas.viewportTransform().map(0.0, float(y))[1] for y in (110, 120)]
        thick.append([sum(is_line(edge + by) for by in range(-5 * density, 5 * density)) for edge in edges])
    assert thick[0][0] == 2
    assert thick[1][0] == 4
    assert thick[0][1] in (1, 2)
    assert thick[1][1] in (2, 3, 4)
