"""A run's curves: loss and AP over the same steps. pyqtgraph takes half a second to load, so this comes when needed."""

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app import theme
from app.background.training_course import Course, thinned
from app.widgets.elided_label import ElidedLabel

GRID = 0.7  # opacity
ROOM = 0.06  # of the height, below 0: for the lower half of its number
FAINT = 70  # of 255: the losses of single steps behind their average


class TrainingPlots(QWidget):
    """Two plots side by side, with the newest value above each."""

    def __init__(self, loss: pg.PlotWidget, ap: pg.PlotWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss_title, self.ap_title = _title(), _title()
        self.loss, self.ap = loss, ap
        self.ap.setXLink(self.loss)
        self.raw_curve, self.loss_curve = self.loss.plot(), self.loss.plot()
        self.start_line = pg.InfiniteLine(angle=0)
        self.ap.addItem(self.start_line)
        self.ap_curve = self.ap.plot(symbol="o", symbolSize=6)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 8)
        row.setSpacing(24)
        for title, plot in ((self.loss_title, self.loss), (self.ap_title, self.ap)):
            column = QVBoxLayout()
            column.setSpacing(4)
            column.addWidget(title)
            column.addWidget(plot, 1)
            row.addLayout(column, 1)
        self._paint_in_theme()

    def show_course(self, course: Course) -> None:
        """Draw a run as it is now."""
        total = (course.started.steps or max(1, course.step)) if course.started else 1
        self.loss.getViewBox().setXRange(0, total, padding=0.02)
        smooth = course.smooth_losses()
        self.raw_curve.setData(*thinned(course.steps, course.losses))
        self.loss_curve.setData(*thinned(course.steps, smooth))
        if len(smooth):
            self.loss.getViewBox().setYRange(0, 1.1 * float(smooth.max()), padding=ROOM)  # single losses may leap out
        self.ap_curve.setData(course.evaluated, course.aps)
        self.ap.getViewBox().setYRange(0, min(1.0, 1.2 * max(course.aps, default=0.0) + 0.02), padding=ROOM)
        self.start_line.setVisible(course.start_ap is not None)
        if course.start_ap is not None:
            self.start_line.setValue(course.start_ap)
        for plot, has_values in ((self.loss, len(smooth) > 0), (self.ap, bool(course.aps))):
            for side in ("left", "bottom"):
                plot.getAxis(side).setStyle(showValues=has_values)
        self.loss_title.setText(
            f"Loss  {smooth[-1]:.3f} · learning rate {course.rates[-1]:.2g}" if len(smooth) else "Loss"
        )
        self.ap_title.setText(_ap_title(course))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.DevicePixelRatioChange):
            self._paint_in_theme()
        super().changeEvent(event)

    def _paint_in_theme(self) -> None:
        colours, ratio = theme.current(), self.devicePixelRatioF()  # pyqtgraph counts in pixels of the device
        for plot in (self.loss, self.ap):
            plot.setBackground(colours.panel)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(pg.mkPen(colours.line))
                axis.setTextPen(colours.muted)
        faint = pg.mkColor(colours.accent)
        faint.setAlpha(FAINT)
        self.raw_curve.setPen(pg.mkPen(faint, width=ratio))
        self.loss_curve.setPen(pg.mkPen(colours.accent, width=2 * ratio))
        self.ap_curve.setPen(pg.mkPen(colours.accent, width=2 * ratio))
        self.ap_curve.setSymbolPen(pg.mkPen(colours.panel, width=1))
        self.ap_curve.setSymbolBrush(pg.mkBrush(colours.accent))
        self.start_line.setPen(pg.mkPen(colours.muted, width=ratio, style=Qt.PenStyle.DashLine))


def _title() -> ElidedLabel:
    label = ElidedLabel()
    label.setProperty("role", "small")
    return label


def line_plot() -> pg.PlotWidget:
    """A plot that is looked at, not played with. Making one takes some 10 to 20 ms, its menus would as much again."""
    pg.setConfigOptions(antialias=True)
    plot = pg.PlotWidget(viewBox=pg.ViewBox(enableMouse=False, enableMenu=False), enableMenu=False)
    plot.hideButtons()
    plot.showGrid(x=False, y=True, alpha=GRID)
    plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
    plot.setMinimumSize(160, 80)
    font = QFont()
    font.setPixelSize(theme.SMALL)
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setStyle(tickFont=font, tickLength=0, maxTickLevel=0, hideOverlappingLabels=False)
        axis.enableAutoSIPrefix(False)
    plot.getAxis("left").setWidth(44)
    layout = plot.getPlotItem().layout  # pyright: ignore[reportOptionalMemberAccess]
    layout.setContentsMargins(0, 4, 16, 0)  # pyright: ignore[reportAttributeAccessIssue]  # half of the last number
    return plot


def _ap_title(course: Course) -> str:
    if not course.aps:
        return "AP on the validation images"
    start = "" if course.start_ap is None else f" · start {course.start_ap:.3f} (dashed)"
    return f"AP on the validation images  {course.aps[-1]:.3f}{start}"
