"""How an image looks in the images list: a thumbnail with marks in the grid, a line in the compact list."""

from typing import NamedTuple

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetrics,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPixmapCache,
    QPolygonF,
)

from app import theme
from app.image_filter import is_to_review
from app.wording import count
from detector.data.project.records import ProjectImage, State

DOT, CHIP = 10, 16  # px: a state's dot, and the height of a number's chip
ROW_PICTURE = QSize(36, 24)  # px, in the compact list
GONE = 0.35  # how strong the picture of an ignored image still is
_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


class Cell(NamedTuple):
    """What is shown of an image. `picture`: None while it is not there; `broken`: it cannot be decoded."""

    image: ProjectImage
    picture: QImage | None
    boxes: int
    proposals: int
    is_broken: bool = False
    is_current: bool = False
    is_chosen: bool = False
    is_hovered: bool = False


def dot_colour(image: ProjectImage, proposals: int, colours: theme.Theme) -> str:
    """The colour that tells an image's state: to review, reviewed, started or unlabelled."""
    if is_to_review(image, proposals):
        return colours.accent
    return {State.REVIEWED: colours.good, State.STARTED: colours.warning, State.UNLABELLED: colours.muted}[image.state]


def state_text(image: ProjectImage, *, boxes: int, proposals: int, is_broken: bool) -> str:
    """What the marks of an image say, in words."""
    if image.missing:
        return "The file is missing: restore it, or let it be found from the menu of this panel"
    if is_broken:
        return "Cannot be decoded: replace, convert or remove the file"
    state = "to review" if is_to_review(image, proposals) else image.state.value
    words = ["Ignored", state] if image.ignored else [state.capitalize()]
    if image.state is State.REVIEWED and not boxes:
        return ", ".join([*words, "empty"])
    parts = [*words, count(boxes, "box", "boxes")]
    return ", ".join([*parts, count(proposals, "proposal")] if proposals else parts)


def paint_thumbnail(painter: QPainter, rect: QRect, cell: Cell) -> None:
    """A picture with its state top right, its numbers bottom left, its note bottom right, and a frame."""
    _paint_picture(painter, rect, cell)
    if cell.is_chosen:
        _paint_chosen(painter, rect)
    x = rect.left() + 5
    y = rect.bottom() - CHIP - 4
    for number, is_offered in ((cell.boxes, False), (cell.proposals, True)):
        if number:
            x += _paint_number(painter, QPoint(x, y), number, is_offered=is_offered) + 3
    if cell.image.note:
        _paint_mark(painter, QPoint(rect.right() - CHIP - 3, y), "note")
    if _has_dot(cell):
        centre = QPointF(rect.right() - DOT / 2 - 4, rect.top() + DOT / 2 + 5)
        _paint_dot(painter, centre, cell)
    _paint_frame(painter, QRectF(rect), is_current=cell.is_current, is_hovered=cell.is_hovered)


def paint_row(painter: QPainter, rect: QRect, cell: Cell) -> None:
    """A small picture, the path, the numbers, the state."""
    colours = theme.current()
    ground = colours.accent_soft if cell.is_current or cell.is_chosen else colours.hover if cell.is_hovered else None
    if ground:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(rect, theme.RADIUS, theme.RADIUS)
    if cell.is_current:
        painter.setPen(QPen(QColor(colours.accent), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), theme.RADIUS - 1, theme.RADIUS - 1)
    picture = QRect(QPoint(rect.left() + 4, rect.center().y() - ROW_PICTURE.height() // 2 + 1), ROW_PICTURE)
    _paint_picture(painter, picture, cell)
    right = rect.right() - 8
    if _has_dot(cell):
        _paint_dot(painter, QPointF(right - DOT / 2, rect.center().y() + 0.5), cell)
    right -= DOT + 6
    if cell.image.note:
        theme.icon("note", ink="muted").paint(painter, QRect(right - 14, rect.center().y() - 7, 14, 14))
        right -= 18
    for number, is_offered in ((cell.proposals, True), (cell.boxes, False)):
        if number:
            right -= _number_width(painter, number)
            corner = QPoint(right, rect.center().y() - CHIP // 2)
            _paint_number(painter, corner, number, is_offered=is_offered, on_picture=False)
            right -= 3
    _paint_name(painter, QRect(picture.right() + 8, rect.top(), right - picture.right() - 12, rect.height()), cell)


def _paint_name(painter: QPainter, rect: QRect, cell: Cell) -> None:
    """The file's name; before it its folder, muted, as far as there is room."""
    colours, font = theme.current(), painter.font()
    font.setPixelSize(theme.BODY - 1)
    font.setStrikeOut(cell.image.missing)
    painter.setFont(font)
    metrics = QFontMetrics(font)
    folder, slash, name = cell.image.path.rpartition("/")
    name = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, rect.width())
    width = metrics.horizontalAdvance(name)
    before = metrics.elidedText(
        folder, Qt.TextElideMode.ElideLeft, rect.width() - width - metrics.horizontalAdvance("/")
    )
    is_pale = cell.image.ignored or cell.image.missing
    if slash and len(before) > 1:
        painter.setPen(QColor(colours.muted))
        painter.drawText(rect, _MIDDLE, before + "/")
        rect = rect.adjusted(metrics.horizontalAdvance(before + "/"), 0, 0, 0)
    painter.setPen(QColor(colours.muted if is_pale else colours.text))
    painter.drawText(rect, _MIDDLE, name)


def _paint_picture(painter: QPainter, rect: QRect, cell: Cell) -> None:
    radius = min(theme.RADIUS, rect.height() // 6)
    if cell.picture is not None and not cell.image.missing:
        painter.setOpacity(GONE if cell.image.ignored else 1)
        painter.drawPixmap(rect, _rounded(cell.picture, rect.size(), painter.device().devicePixelRatioF(), radius))
        painter.setOpacity(1)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.current().hover))
        painter.drawRoundedRect(rect, radius, radius)
    icon = "missing" if cell.image.missing else "warning" if cell.is_broken else "eye-off" if cell.image.ignored else ""
    if icon:
        size = min(20, rect.height() - 4)
        corner = rect.center() - QPoint(size // 2 - 1, size // 2 - 1)
        theme.icon(icon, ink="text" if icon == "eye-off" else "muted").paint(painter, QRect(corner, QSize(size, size)))


def _has_dot(cell: Cell) -> bool:
    """What nobody has touched needs none."""
    if cell.image.ignored:
        return False
    return cell.image.state is not State.UNLABELLED or is_to_review(cell.image, cell.proposals)


def _rounded(picture: QImage, size: QSize, ratio: float, radius: int) -> QPixmap:
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
    shape.addRoundedRect(QRectF(QPoint(), pixels), radius * ratio, radius * ratio)
    painter.setBrushOrigin((pixels.width() - scaled.width()) // 2, (pixels.height() - scaled.height()) // 2)
    painter.fillPath(shape, QBrush(scaled))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, pixmap)
    return pixmap


def _paint_dot(painter: QPainter, centre: QPointF, cell: Cell) -> None:
    """With a rim that sets it off from any picture. Reviewed images have a check, whatever one's eyes; where nothing is
    on them the dot is a ring: reviewed, empty.
    """
    rim, colour = QColor(theme.current().panel), QColor(dot_colour(cell.image, cell.proposals, theme.current()))
    is_reviewed = cell.image.state is State.REVIEWED
    painter.setPen(QPen(rim, 1.5))
    painter.setBrush(colour)
    painter.drawEllipse(centre, DOT / 2, DOT / 2)
    if is_reviewed and not cell.boxes:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(rim)
        painter.drawEllipse(centre, DOT / 2 - 2.25, DOT / 2 - 2.25)
    elif is_reviewed:
        ends = Qt.PenCapStyle.RoundCap
        painter.setPen(QPen(rim, 1.5, Qt.PenStyle.SolidLine, ends, Qt.PenJoinStyle.RoundJoin))
        steps = ((-2.25, 0.25), (-0.75, 1.75), (2.25, -1.5))
        painter.drawPolyline(QPolygonF([centre + QPointF(x, y) for x, y in steps]))


def _number_width(painter: QPainter, number: int) -> int:
    font = painter.font()
    font.setPixelSize(theme.SMALL)
    return max(QFontMetrics(font).horizontalAdvance(f"{number:,}") + 10, CHIP + 2)


def _paint_number(painter: QPainter, corner: QPoint, number: int, *, is_offered: bool, on_picture: bool = True) -> int:
    """On a chip, a dark one on pictures; for proposals with a dashed rim, as their boxes have. Gives its width."""
    colours, width = theme.current(), _number_width(painter, number)
    font = painter.font()
    font.setPixelSize(theme.SMALL)
    font.setStrikeOut(False)
    painter.setFont(font)
    chip, ink = QRectF(corner.x(), corner.y(), width, CHIP), QColor(colours.on_overlay if on_picture else colours.muted)
    if on_picture or not is_offered:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_overlay() if on_picture else QColor(colours.line))
        painter.drawRoundedRect(chip, 4, 4)
    if is_offered:
        pen = QPen(ink, 1)
        pen.setDashPattern([2.5, 2])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(chip.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    painter.setPen(ink if on_picture else QColor(colours.text))
    painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, f"{number:,}")
    return width


def _paint_mark(painter: QPainter, corner: QPoint, icon: str) -> None:
    """A small sign on a dark chip."""
    chip = QRect(corner, QSize(CHIP, CHIP))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_overlay())
    painter.drawRoundedRect(chip, 4, 4)
    theme.icon(icon, ink="on_overlay").paint(painter, chip.adjusted(2, 2, -2, -2))


def _overlay() -> QColor:
    ground = QColor(theme.current().overlay)
    ground.setAlphaF(0.82)
    return ground


def _paint_chosen(painter: QPainter, rect: QRect) -> None:
    """The accent over the picture, and a check top left."""
    colours = theme.current()
    veil = QColor(colours.accent)
    veil.setAlphaF(0.38)
    painter.setPen(QPen(QColor(colours.accent), 1))
    painter.setBrush(veil)
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
    badge = QRectF(rect.left() + 5, rect.top() + 5, CHIP, CHIP)
    painter.setPen(QPen(QColor(colours.panel), 1.5))
    painter.setBrush(QColor(colours.accent))
    painter.drawRoundedRect(badge, 4, 4)
    painter.setPen(QPen(QColor(colours.on_accent), 1.75, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    steps = ((-3.25, 0.25), (-1, 2.5), (3.5, -2.5))
    painter.drawPolyline(QPolygonF([badge.center() + QPointF(x, y) for x, y in steps]))


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
