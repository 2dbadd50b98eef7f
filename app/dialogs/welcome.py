"""The first page: what one can open, what was open lately, and in four small pictures what the program is for."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QIcon,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.wording import tooltip

COLUMN = 344  # px, of the starting points and of the recent projects
STEPS = (("image", "Open"), ("auto-label", "Auto-label"), ("review", "Correct"), ("fine-tune", "Fine-tune"))
RECENTS = 6
TILE, GAP = 56, 48  # px, of the illustration
GONE = "No longer there: it was moved or renamed, or its drive is not connected."


class WelcomePage(QWidget):
    """Asks for something to open; nothing here opens it. `dropped` carries a folder or a COCO file."""

    open_folder_wanted = Signal()
    open_coco_wanted = Signal()
    sample_wanted = Signal()
    recent_wanted = Signal(Path)
    dropped = Signal(Path)

    def __init__(self, recents: Sequence[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._dragged_over = False
        self._recent = QVBoxLayout()
        self._recent_column = _column(_label("Recent", role="strong"), self._recent, spacing=4)
        self._start_column = self._starts()
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(40)
        self._columns.addStretch()
        self._columns.addWidget(self._start_column, 0, Qt.AlignmentFlag.AlignTop)
        self._columns.addWidget(self._recent_column, 0, Qt.AlignmentFlag.AlignTop)
        self._columns.addStretch()
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(theme.SPACE)
        layout.addStretch(2)
        layout.addWidget(_Illustration(), 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(16)
        layout.addWidget(_label("EfficientDet Studio", role="heading"), 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(
            _label("From a folder of photographs to labels you trust and a detector that knows them.", role="muted"),
            0,
            Qt.AlignmentFlag.AlignHCenter,
        )
        layout.addSpacing(24)
        layout.addLayout(self._columns)
        layout.addSpacing(24)
        note = "Or drop a folder here. Everything stays on this machine."
        layout.addWidget(_label(note, role="small"), 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setWidget(content)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for part in (content, scroll.viewport()):
            part.setAutoFillBackground(False)  # the page paints the ground
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)
        self.set_recents(recents)

    def set_recents(self, recents: Sequence[Path]) -> None:
        """Shows these projects, newest first; those that are no longer there are greyed."""
        while item := self._recent.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for path in recents[:RECENTS]:
            button = _RecentButton(path)
            button.clicked.connect(lambda _=False, path=path: self.recent_wanted.emit(path))
            self._recent.addWidget(button)
        self._recent_column.setVisible(bool(recents))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Takes one folder, or one JSON file."""
        self._set_dragged_over(droppable(event.mimeData().urls()) is not None)
        if self._dragged_over:
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Takes the frame away."""
        self._set_dragged_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Tells what was dropped."""
        self._set_dragged_over(False)
        if (path := droppable(event.mimeData().urls())) is not None:
            event.acceptProposedAction()
            self.dropped.emit(path)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground, with a frame while something droppable hovers."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.current().window))
        if self._dragged_over:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.current().accent), 2, Qt.PenStyle.DashLine))
            painter.setBrush(QColor(theme.current().accent_soft))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(12, 12, -12, -12), theme.RADIUS, theme.RADIUS)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Puts the two columns below each other where they do not fit beside each other."""
        narrow = self.width() < 2 * COLUMN + 40 + 48
        direction = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        if self._columns.direction() != direction:
            self._columns.setDirection(direction)
            self._columns.setSpacing(24 if narrow else 40)
            for column in (self._start_column, self._recent_column):
                place = Qt.AlignmentFlag.AlignHCenter if narrow else Qt.AlignmentFlag.AlignTop
                self._columns.setAlignment(column, place)
        super().resizeEvent(event)

    def _starts(self) -> QWidget:
        rows = QVBoxLayout()
        for icon, title, text, signal in (
            ("open", "Open a folder", "Pictures in it and in its subfolders", self.open_folder_wanted),
            ("open-coco", "Open a COCO data set", "A JSON file that somebody labelled already", self.open_coco_wanted),
            ("sample", "Try the sample", "Pictures and a small model, offline", self.sample_wanted),
        ):
            button = _StartButton(icon, title, text)
            button.clicked.connect(signal)
            rows.addWidget(button)
        return _column(_label("Start", role="strong"), rows, spacing=theme.SPACE)

    def _set_dragged_over(self, value: bool) -> None:
        if value != self._dragged_over:
            self._dragged_over = value
            self.update()


def droppable(urls: Sequence[QUrl]) -> Path | None:
    """The folder or JSON file that was dragged here; None for anything else, and for several things."""
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    path = Path(urls[0].toLocalFile())
    return path if path.is_dir() or path.suffix.lower() == ".json" else None


class _StartButton(QPushButton):
    """A wide button: an icon, what it does, and one line about it."""

    def __init__(self, icon: str, title: str, text: str) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedHeight(64)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._icon = theme.icon(icon)
        words = QVBoxLayout(self)
        words.setContentsMargins(56, 12, 16, 12)
        words.setSpacing(2)
        for part, role in ((title, "strong"), (text, "small")):
            words.addWidget(_label(part, role=role, passes_clicks=True))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The button's ground, and the icon on it."""
        super().paintEvent(event)
        painter = QPainter(self)
        self._icon.paint(painter, 18, (self.height() - 24) // 2, 24, 24)


class _RecentButton(QPushButton):
    """A project: its name, and below where it lies. Disabled when it lies there no more."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.setProperty("role", "quiet")
        self.setAccessibleName(path.name or str(path))
        self.setAccessibleDescription(str(path))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(44)
        exists = path.exists()
        self.setEnabled(exists)
        self.setToolTip(tooltip(str(path)) if exists else f"{tooltip(str(path))}<br>{GONE}")
        if exists:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._path = path

    def paintEvent(self, event: QPaintEvent) -> None:
        """Name and place, each cut in the middle where it is too long."""
        super().paintEvent(event)
        colours = theme.current()
        painter = QPainter(self)
        image = theme.icon("folder" if self._path.suffix.lower() != ".json" else "open-coco")
        image.paint(painter, 10, 12, 20, 20, mode=QIcon.Mode.Normal if self.isEnabled() else QIcon.Mode.Disabled)
        name = self._path.name or str(self._path)
        lines = (
            (name, 4, theme.BODY, colours.text if self.isEnabled() else colours.muted),
            (str(self._path.parent) if self.isEnabled() else "not found", 23, theme.SMALL, colours.muted),
        )
        for text, top, size, colour in lines:
            font = self.font()
            font.setPixelSize(size)
            painter.setFont(font)
            painter.setPen(QColor(colour))
            room = QRectF(40, top, self.width() - 48, 17)
            cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, int(room.width()))
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, cut)


class _Illustration(QWidget):
    """The loop: open, auto-label, correct, fine-tune, and back to auto-label with the better model."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Open, auto-label, correct, fine-tune; then label the rest with the better model")
        self.setFixedSize(QSize(len(STEPS) * TILE + (len(STEPS) - 1) * GAP + 2 * 16, TILE + 60))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tiles with icons, arrows between them, and the way back above them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, (icon, words) in enumerate(STEPS):
            self._paint_tile(painter, self._tile(place), icon, words)
            if place:
                start, end = self._tile(place - 1), self._tile(place)
                _paint_arrow(painter, start.right() + 10, end.left() - 10, start.center().y())
        self._paint_way_back(painter)

    def _tile(self, place: int) -> QRectF:
        return QRectF(16 + place * (TILE + GAP), 32, TILE, TILE)

    def _paint_tile(self, painter: QPainter, tile: QRectF, icon: str, words: str) -> None:
        colours = theme.current()
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.setBrush(QColor(colours.panel))
        painter.drawRoundedRect(tile.adjusted(0.5, 0.5, -0.5, -0.5), 12, 12)
        inner = tile.adjusted(15, 15, -15, -15).toRect()
        theme.icon(icon).paint(painter, inner)
        font = self.font()
        font.setPixelSize(theme.SMALL)
        painter.setFont(font)
        painter.setPen(QColor(colours.muted))
        below = QRectF(tile.left() - 24, tile.bottom() + 8, tile.width() + 48, 16)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_way_back(self, painter: QPainter) -> None:
        start, end = self._tile(3).center().x(), self._tile(1).center().x()
        path = QPainterPath(QPointF(start, 26))
        path.cubicTo(QPointF(start - 20, 4), QPointF(end + 20, 4), QPointF(end, 24))
        accent = QColor(theme.current().accent)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 1.5, Qt.PenStyle.DashLine, Qt.PenCapStyle.RoundCap))
        painter.drawPath(path)
        painter.setPen(QPen(accent, 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.drawPolyline(QPolygonF([QPointF(end - 1, 18), QPointF(end, 25), QPointF(end + 7, 24)]))


def _paint_arrow(painter: QPainter, left: float, right: float, y: float) -> None:
    pen = QPen(QColor(theme.current().muted), 1.5)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.drawLine(QPointF(left, y), QPointF(right, y))
    painter.drawPolyline(QPolygonF([QPointF(right - 4, y - 4), QPointF(right, y), QPointF(right - 4, y + 4)]))


def _label(text: str, *, role: str, passes_clicks: bool = False) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, passes_clicks)
    return label


def _column(title: QLabel, rows: QVBoxLayout, *, spacing: int) -> QWidget:
    rows.setSpacing(spacing)
    column = QFrame()
    column.setFixedWidth(COLUMN)
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(theme.SPACE)
    layout.addWidget(title)
    layout.addLayout(rows)
    return column
