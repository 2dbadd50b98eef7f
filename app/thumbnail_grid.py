"""The grid of thumbnails: the document's visible images, each with its state, its number of boxes and its frame."""

from collections.abc import Sequence
from itertools import compress
from itertools import count as numbers
from operator import ne

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    QStringListModel,
    Qt,
    QTimer,
)
from PySide6.QtGui import (
    QBrush,
    QColor,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPixmapCache,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from app import theme
from app.document import Document
from app.image_filter import is_to_review
from app.thumbnails import Thumbnails
from app.wording import count, tooltip
from detector.data.project.records import ProjectImage, State

NARROWEST = 112  # px, of a cell where there are more than two columns
PADS = (6, 4, 2, 4)  # px around a thumbnail within its cell: left, top, right, bottom
SHAPE = 3 / 2  # width to height of a thumbnail
RESET_FROM = 1000  # rows; fewer that come or go are moved one by one, which keeps the place in the list
DOT, NUMBER = 10, 16  # px
Index = QModelIndex | QPersistentModelIndex


def cell_size(width: int) -> tuple[int, int]:
    """Width and height of the cells that fill a list of this width: two columns, or more where they fit. Pixels."""
    columns = max(2, width // NARROWEST)
    wide = max((width - 1) // columns, 1)  # a row that fills its list to the last pixel is broken by Qt
    left, top, right, bottom = PADS
    return wide, max(round((wide - left - right) / SHAPE), 1) + top + bottom


def splice(before: Sequence[int], after: Sequence[int]) -> tuple[int, int, int]:
    """What turns one list into another: the place, how many are taken out there, and how many come in."""
    shorter = min(len(before), len(after))
    start = next(compress(numbers(), map(ne, before, after)), shorter)
    ends = map(ne, reversed(before), reversed(after))
    same_end = min(next(compress(numbers(), ends), shorter), shorter - start)
    return start, len(before) - start - same_end, len(after) - start - same_end


def dot_colour(image: ProjectImage, proposals: int, colours: theme.Theme) -> str:
    """The colour that tells an image's state: to review, reviewed, started or unlabelled."""
    if is_to_review(image, proposals):
        return colours.accent
    return {State.REVIEWED: colours.good, State.STARTED: colours.warning, State.UNLABELLED: colours.muted}[image.state]


def state_text(image: ProjectImage, *, boxes: int, proposals: int, is_broken: bool) -> str:
    """What the dot and the number of a thumbnail say, in words."""
    if is_broken:
        return "Cannot be decoded: replace, convert or remove the file"
    state = "to review" if is_to_review(image, proposals) else image.state.value
    parts = [state.capitalize(), count(boxes, "box", "boxes")]
    return ", ".join([*parts, count(proposals, "proposal")] if proposals else parts)


class ThumbnailGrid(QListView):
    """The document's visible images as thumbnails. Keys that it has no use for go on to the window's actions."""

    def __init__(self, document: Document, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._thumbnails = document, thumbnails
        self._ids: list[int] = []
        # A model in C++: Qt asks for each of 100,000 rows while it lays them out, too slow a thing for Python.
        self._paths = QStringListModel(self)
        self.setModel(self._paths)
        self.setItemDelegate(_Painter(document, thumbnails, self))
        self.setAccessibleName("Images")
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # else columns jump as rows come
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self._asking = QTimer(self, singleShot=True, interval=0)
        self._asking.timeout.connect(self._on_rows_moved)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._on_range_changed)
        self.clicked.connect(self._on_clicked)
        for signal in (thumbnails.ready, document.image_updated, document.proposals_changed):
            signal.connect(self._on_pictures_changed)
        document.visible_changed.connect(self._on_visible_changed)
        document.project_changed.connect(self._on_visible_changed)
        document.current_changed.connect(self._on_current_changed)
        self._on_visible_changed()

    def image_at(self, row: int) -> int | None:
        """The id of the image in a row."""
        return self._ids[row] if 0 <= row < len(self._ids) else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows step through the images, page keys scroll; the rest is for the window."""
        row = self._columns()
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -row, Qt.Key.Key_Down: row}
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            event.ignore()
        elif event.key() in steps:
            self._document.step(steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + (bar.pageStep() if event.key() == Qt.Key.Key_PageDown else -bar.pageStep()))
        else:
            event.ignore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fits the columns to the width."""
        super().resizeEvent(event)
        size = QSize(*cell_size(self.viewport().width()))
        if size != self.gridSize():
            self.setGridSize(size)
            self._on_current_changed()
        self._asking.start()

    def _columns(self) -> int:
        return max(1, (self.viewport().width() - 1) // max(1, self.gridSize().width()))

    def _on_visible_changed(self) -> None:
        before, self._ids = self._ids, list(self._document.visible)
        start, gone, come = splice(before, self._ids)
        paths = [self._document.images[image_id].path for image_id in self._ids[start : start + come]]
        if gone + come > RESET_FROM:
            everything = self._paths.stringList()
            self._paths.setStringList([*everything[:start], *paths, *everything[start + gone :]])
        else:
            self._paths.removeRows(start, gone)
            self._paths.insertRows(start, come)
            for row, path in enumerate(paths, start):
                self._paths.setData(self._paths.index(row), path)
        self._on_current_changed()
        self._asking.start()

    def _on_current_changed(self) -> None:
        current = self._document.current
        if current in self._ids:
            index = self._paths.index(self._ids.index(current))
            self.setCurrentIndex(index)
            self.scrollTo(index)
        self.viewport().update()

    def _on_pictures_changed(self) -> None:
        self.viewport().update()

    def _on_range_changed(self, low: int, high: int) -> None:
        """Without a handle, too, where there is nothing to scroll."""
        self.verticalScrollBar().setEnabled(high > low)

    def _on_scrolled(self) -> None:
        self._asking.start()

    def _on_clicked(self, index: QModelIndex) -> None:
        if (image_id := self.image_at(index.row())) is not None:
            self._document.show(image_id)

    def _on_rows_moved(self) -> None:
        """Asks for the thumbnails on screen, then for the screen below and the one above."""
        if not self._ids or not self.isVisible():
            return
        height, cell = max(self.gridSize().height(), 1), self._columns()
        first = self.verticalScrollBar().value() // height * cell
        shown = (self.viewport().height() // height + 2) * cell
        ids = self._ids
        below, above = ids[first + shown : first + 2 * shown], ids[max(0, first - shown) : first]
        self._thumbnails.want([*ids[first : first + shown], *below, *above])


class _Painter(QStyledItemDelegate):
    """Paints a thumbnail with its state, its number of boxes, and the frame of the current one."""

    def __init__(self, document: Document, thumbnails: Thumbnails, grid: ThumbnailGrid) -> None:
        super().__init__(grid)
        self._document, self._thumbnails, self._grid = document, thumbnails, grid

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """As the grid's cells."""
        return self._grid.gridSize()

    def helpEvent(self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index) -> bool:
        """The file's name, letter by letter, and its state in words."""
        if event.type() != QEvent.Type.ToolTip or (image_id := self._grid.image_at(index.row())) is None:
            return False
        image, document = self._document.images[image_id], self._document
        words = state_text(
            image,
            boxes=document.box_count(image_id),
            proposals=document.proposal_count(image_id),
            is_broken=self._thumbnails.is_broken(image_id),
        )
        QToolTip.showText(event.globalPos(), f"{tooltip(image.path)}<br>{words}", view)
        return True

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One cell."""
        image_id = self._grid.image_at(index.row())
        image = self._document.images.get(image_id) if image_id is not None else None
        if image is None:
            return
        cell: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        left, top, right, bottom = PADS
        rect = cell.adjusted(left, top, -right, -bottom)
        proposals = self._document.proposal_count(image.id)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self._paint_picture(painter, rect, image.id)
        if number := self._document.box_count(image.id) + proposals:
            _paint_number(painter, rect, number)
        if image.state is not State.UNLABELLED or is_to_review(image, proposals):  # what nobody has touched needs none
            dot = dot_colour(image, proposals, theme.current())
            _paint_dot(painter, rect, dot, has_check=image.state is State.REVIEWED)
        is_hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)  # pyright: ignore[reportAttributeAccessIssue]
        _paint_frame(painter, QRectF(rect), is_current=image.id == self._document.current, is_hovered=is_hovered)
        painter.restore()

    def _paint_picture(self, painter: QPainter, rect: QRect, image_id: int) -> None:
        picture = self._thumbnails.image(image_id)
        if picture is not None:
            painter.drawPixmap(rect, _rounded(picture, rect.size(), painter.device().devicePixelRatioF()))
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.current().hover))
        painter.drawRoundedRect(rect, theme.RADIUS, theme.RADIUS)
        if self._thumbnails.is_broken(image_id):
            theme.icon("warning").paint(painter, QRect(rect.center() - QPoint(9, 9), QSize(20, 20)))


def _rounded(picture: QImage, size: QSize, ratio: float) -> QPixmap:
    """The picture's middle, filling a size with rounded corners; kept by Qt, since scaling well takes its time."""
    pixels = QSize(round(size.width() * ratio), round(size.height() * ratio))
    key = f"{picture.cacheKey()} {pixels.width()} {pixels.height()}"
    pixmap = QPixmap()
    if QPixmapCache.find(key, pixmap):
        return pixmap
    grow, smooth = Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    scaled = picture.scaled(pixels, grow, smooth)
    pixmap = QPixmap(pixels)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    shape = QPainterPath()
    shape.addRoundedRect(QRectF(QPoint(), pixels), theme.RADIUS * ratio, theme.RADIUS * ratio)
    painter.setBrushOrigin((pixels.width() - scaled.width()) // 2, (pixels.height() - scaled.height()) // 2)
    painter.fillPath(shape, QBrush(scaled))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, pixmap)
    return pixmap


def _paint_dot(painter: QPainter, rect: QRect, colour: str, *, has_check: bool) -> None:
    """Top right, with a rim that sets it off from any picture; a check tells reviewed ones whatever one's eyes."""
    rim = QColor(theme.current().panel)
    centre = QPointF(rect.right() - DOT / 2 - 4, rect.top() + DOT / 2 + 5)
    painter.setPen(QPen(rim, 1.5))
    painter.setBrush(QColor(colour))
    painter.drawEllipse(centre, DOT / 2, DOT / 2)
    if has_check:
        ends = Qt.PenCapStyle.RoundCap
        painter.setPen(QPen(rim, 1.5, Qt.PenStyle.SolidLine, ends, Qt.PenJoinStyle.RoundJoin))
        steps = ((-2.25, 0.25), (-0.75, 1.75), (2.25, -1.5))
        painter.drawPolyline(QPolygonF([centre + QPointF(x, y) for x, y in steps]))


def _paint_number(painter: QPainter, rect: QRect, number: int) -> None:
    """Bottom left, on a dark chip."""
    font = painter.font()
    font.setPixelSize(theme.SMALL)
    painter.setFont(font)
    text = f"{number:,}"
    width = max(painter.fontMetrics().horizontalAdvance(text) + 10, NUMBER + 2)
    chip = QRectF(rect.left() + 5, rect.bottom() - NUMBER - 4, width, NUMBER)
    ground = QColor(theme.current().overlay)
    ground.setAlphaF(0.82)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(chip, 4, 4)
    painter.setPen(QColor(theme.current().on_overlay))
    painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, text)


def _paint_frame(painter: QPainter, rect: QRectF, *, is_current: bool, is_hovered: bool) -> None:
    """Accent round the current one, with a gap of the panel's colour, so that it shows on pictures of any colour."""
    colours = theme.current()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if is_current:
        painter.setPen(QPen(QColor(colours.panel), 1))
        painter.drawRoundedRect(rect.adjusted(1.5, 1.5, -1.5, -1.5), theme.RADIUS - 1.5, theme.RADIUS - 1.5)
        painter.setPen(QPen(QColor(colours.accent), 2))
        painter.drawRoundedRect(rect, theme.RADIUS, theme.RADIUS)
    elif is_hovered:
        painter.setPen(QPen(QColor(colours.muted), 1))
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
