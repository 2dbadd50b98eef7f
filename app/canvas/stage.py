"""The canvas with what floats on it: tools, a line about the image, a hint at what to do next."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.actions import Actions
from app.canvas.hint_bar import Hint, HintBar
from app.canvas.tone import Tone
from app.canvas.tone_panel import ToneMark, TonePanel
from app.canvas.tools import Tool
from app.canvas.view import CanvasView
from app.document import Document
from app.theme import ICON
from app.verbs import navigation
from app.widgets.elided_label import ElidedLabel
from app.wording import count, tooltip
from detector.data.project.records import State

MARGIN = 12  # px
NAME = 160  # px of an image's name for which other words about it give way
NO_FOCUS = Qt.FocusPolicy.NoFocus
TOOLS = ("select", "draw", "label-image", "tone")  # actions that have a button on the picture
DIGITS = ("class-1", "class-9")


class Stage(QWidget):
    """The middle of the window."""

    def __init__(self, document: Document, view: CanvasView, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._view, self._actions = document, view, actions
        self._zoom = 1.0
        self.setProperty("role", "canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._tools = _tool_bar([actions[name] for name in TOOLS], self)
        self._info = ElidedLabel("", self)
        self._hint = HintBar(self)
        self._tone, self._tone_mark = TonePanel(self), ToneMark(self)
        head = QHBoxLayout()
        head.setContentsMargins(2 * MARGIN + self._tools.sizeHint().width(), 8, MARGIN, 8)
        head.addWidget(self._info, 1)
        head.addWidget(self._tone_mark)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(view, 1)
        self._tools.raise_()
        self._hint.raise_()
        view.picture_changed.connect(self._write)
        view.zoom_changed.connect(self._on_zoom_changed)
        view.tool_changed.connect(self._write)
        view.boxes_visible_changed.connect(self._write)
        for signal in (document.shown_changed, document.visible_changed, document.proposals_changed):
            signal.connect(self._write)
        view.tone_changed.connect(self._on_tone_changed)
        self._tone.tone_chosen.connect(view.set_tone)
        self._tone.left.connect(view.setFocus)
        self._tone_mark.clicked.connect(self._tone.open)
        document.current_changed.connect(self._write)
        document.image_updated.connect(self._write)
        actions.remapped.connect(self._write)
        self._write()

    def toggle_tone(self) -> None:
        """Show the sliders for brightness and contrast, or put them away."""
        if self._tone.isVisible():
            self._tone.fold()
        else:
            self._tone.open()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep what floats in its place, and tell what there is room for."""
        super().resizeEvent(event)
        self._column.activate()
        self._write_info()
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        """Another font, another size of what floats."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._place()

    def _on_zoom_changed(self, zoom: float) -> None:
        self._zoom = zoom
        self._write()

    def _on_tone_changed(self, tone: Tone) -> None:
        self._tone.set_tone(tone)
        self._tone_mark.set_tone(tone)

    def _write(self, *_: object) -> None:
        self._write_info()
        self._hint.set_hints(hints(self._document, self._actions, self._view))
        self._place()

    def _write_info(self) -> None:
        """As many parts of the line as there is room for beside a readable piece of the name."""
        name, *parts = info_parts(self._document, self._zoom if self._view.picture_size else None)
        metrics, room = self._info.fontMetrics(), self._info.contentsRect().width()
        needed = min(metrics.horizontalAdvance(name), NAME)
        while len(parts) > 1 and needed + metrics.horizontalAdvance(joined("", *parts)) > room:
            parts.pop(0)
        left = room - metrics.horizontalAdvance(joined("", *parts))
        self._info.setText(joined(metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, left), *parts))
        self._info.setToolTip(tooltip(name))

    def _place(self) -> None:
        self._tools.adjustSize()
        self._tools.move(MARGIN, MARGIN)
        self._tone.adjustSize()
        self._tone.move(self.width() - self._tone.width() - MARGIN, self._view.y() + MARGIN // 2)
        self._hint.fit_into(self.width() - 2 * MARGIN)
        self._hint.move((self.width() - self._hint.width()) // 2, self.height() - self._hint.height() - 16)


def joined(*parts: str) -> str:
    """Parts of a line about an image, as they stand beside each other."""
    return "   ·   ".join(parts)


def info_parts(document: Document, zoom: float | None) -> tuple[str, ...]:
    """The name of the current image, and "384 × 255", "164%", "5 of 412 to review", as many of them as there are."""
    if document.current is None:
        return ("",)
    image = document.images[document.current]
    size = f"{image.width} × {image.height}" if image.width else ""
    scale = "" if zoom is None else f"{zoom:.0%}"
    kind = "" if document.filter.kind.value == "all" else f" {document.filter.kind.value}"
    place = f"{navigation.place(document) + 1:,} of {len(document.visible):,}{kind}"
    if not document.listing.accepts(document.current):
        place = "not among what the filter shows"
    return tuple(filter(None, (image.path, size, scale, place)))


def hints(document: Document, actions: Actions, view: CanvasView) -> tuple[Hint, ...]:
    """What the keys do now; without those whose actions have no key."""
    if document.current is None:
        return ()
    image, is_broken = document.images[document.current], view.is_broken
    offered = sum(box.is_proposal for box in document.shown)
    digits = "–".join(text for name in DIGITS for text in actions.texts(name)[:1])
    said = ""
    if is_broken:
        does = [("next", "next image"), ("previous", "previous image")]
    elif not view.boxes_visible:
        said, does = "Boxes hidden", [("show-boxes", "show them"), ("draw", "show them and draw")]
    elif view.tool is Tool.DRAW:
        said, does = "Drag, or click two corners", [("select", "back to selecting")]
    elif image.state is State.REVIEWED:
        said = f"Reviewed, {count(document.tally.box_count(image.id), 'box', 'boxes') if document.shown else 'empty'}"
        does = [("review", "next")]
    elif offered:
        said, does = count(offered, "proposal"), [("review", "accept and go on"), ("delete", "reject")]
    elif document.shown:
        does = [("review", "vouch for these boxes and go on"), ("draw", "draw")]
    elif document.has_predictions():
        said, does = "The model found nothing", [("review", "record that and go on"), ("draw", "draw")]
    else:
        does = [("draw", "draw a box"), ("label-image", "auto-label"), ("mark-empty", "nothing is on this image")]
    keys = [Hint(text, words) for name, words in does for text in actions.texts(name)[:1]]
    is_open = view.boxes_visible and image.state is not State.REVIEWED and not is_broken
    takes_class = is_open and (document.shown or view.tool is Tool.DRAW)
    return (*([Hint("", said)] if said else []), *keys, *([Hint(digits, "class")] if takes_class and digits else []))


def _tool_bar(actions: list[QAction], parent: QWidget) -> QFrame:
    frame = QFrame(parent)
    frame.setProperty("role", "tools")
    column = QVBoxLayout(frame)
    column.setContentsMargins(3, 3, 3, 3)
    column.setSpacing(2)
    for action in actions:
        button = QToolButton(frame)
        button.setDefaultAction(action)
        button.setIconSize(QSize(ICON, ICON))
        button.setFocusPolicy(NO_FOCUS)
        button.setFixedSize(34, 34)
        column.addWidget(button)
    return frame
