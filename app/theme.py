"""How the program looks: two themes of colours, one style sheet made from them, tinted icons."""

from dataclasses import dataclass, fields
from functools import cache, lru_cache
from pathlib import Path
from string import Template

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

RESOURCES = Path(__file__).parents[1] / "resources"
SPACE, RADIUS = 8, 6
BODY, SMALL, TITLE = 13, 11, 15  # px
ICON = 20  # px


@dataclass(frozen=True)
class Theme:
    """Colours as "#rrggbb". Text and signals on window and panel meet WCAG AA, which a test computes."""

    name: str
    window: str
    panel: str
    line: str
    edge: str  # of what floats, and scroll bars
    text: str
    muted: str
    accent: str
    on_accent: str
    accent_soft: str  # chosen rows and chips
    hover: str
    field: str  # the ground of inputs
    good: str
    warning: str
    bad: str
    canvas: str
    on_canvas: str
    overlay: str  # a bar that floats on the picture
    on_overlay: str


LIGHT = Theme(
    name="light",
    window="#F6F7F9",
    panel="#FFFFFF",
    line="#E2E5EA",
    edge="#C3C9D2",
    text="#1B1F24",
    muted="#5F6B7E",
    accent="#2563E0",
    on_accent="#FFFFFF",
    accent_soft="#E6EEFD",
    hover="#EEF1F5",
    field="#F6F7F9",
    good="#137636",
    warning="#9A5B00",
    bad="#C02D48",
    canvas="#D9DCE1",
    on_canvas="#4A5464",
    overlay="#2B2F35",
    on_overlay="#F4F5F7",
)
DARK = Theme(
    name="dark",
    window="#1E2125",
    panel="#25292E",
    line="#343A41",
    edge="#4D555F",
    text="#E8EAED",
    muted="#9AA4B2",
    accent="#7AA8FF",
    on_accent="#10203F",
    accent_soft="#2C3A57",
    hover="#2D3238",
    field="#1E2125",
    good="#4CC38A",
    warning="#E0A94B",
    bad="#F58A9C",
    canvas="#17191C",
    on_canvas="#9AA4B2",
    overlay="#363D45",
    on_overlay="#F4F5F7",
)

_in_force = LIGHT


def current() -> Theme:
    """The theme in force; painters ask for it each time they paint."""
    return _in_force


def named(name: str) -> Theme:
    """The theme "light" or "dark"; for any other name the one that the desktop asks for."""
    if name in ("light", "dark"):
        return LIGHT if name == "light" else DARK
    return DARK if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT


def apply(application: QApplication, theme: Theme) -> None:
    """Put a theme in force; every widget gets a PaletteChange."""
    global _in_force
    _in_force = theme
    application.setStyle("Fusion")
    font = application.font()
    font.setPixelSize(BODY)
    application.setFont(font)
    application.setPalette(_palette(theme))
    application.setStyleSheet(style_sheet(theme))


@lru_cache(maxsize=4096)
def contrast(a: str, b: str) -> float:
    """The contrast ratio of two colours, 1 … 21 (WCAG 2.1, "contrast ratio")."""
    darker, lighter = sorted((_luminance(a), _luminance(b)))
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(ground: str) -> str:
    """Black or white, whichever reads better on a colour."""
    return max(("#101418", "#FFFFFF"), key=lambda ink: contrast(ink, ground))


@cache
def icon(name: str, *, ink: str = "text") -> QIcon:
    """The icon resources/icons/NAME.svg in the colours of the theme in force, whichever that is when it is painted;
    `ink`: which of these it has where nothing else is said, such as "on_accent" for a ground in the accent colour.
    """
    return QIcon(_SvgEngine(name, ink=ink))


def style_sheet(theme: Theme) -> str:
    """The application's one style sheet."""
    values = {field.name: getattr(theme, field.name) for field in fields(theme)}
    text = (Path(__file__).with_name("style.qss")).read_text("utf-8")
    images = {
        name.replace("-", "_"): (RESOURCES / "icons" / f"{name}-{theme.name}.svg").as_posix()
        for name in ("arrow", "arrow-right", "check", "mark")
    }
    return Template(text).substitute(values, radius=RADIUS, body=BODY, small=SMALL, title=TITLE, **images)


class _SvgEngine(QIconEngine):
    """Paints an SVG in one colour; muted where it is disabled, in the accent where it is switched on."""

    def __init__(self, name: str, *, ink: str) -> None:
        super().__init__()
        self._name, self._ink = name, ink
        self._source = (RESOURCES / "icons" / f"{name}.svg").read_text("utf-8")

    def paint(self, painter: QPainter, rect: object, mode: QIcon.Mode, state: QIcon.State) -> None:
        colour = self._colour(mode, state)
        renderer = QSvgRenderer(QByteArray(self._source.replace("currentColor", colour).encode()))
        painter.save()
        if mode is QIcon.Mode.Disabled:
            painter.setOpacity(0.5)
        renderer.render(painter, QRectF(rect))  # pyright: ignore[reportArgumentType, reportCallIssue]
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _SvgEngine(self._name, ink=self._ink)

    def _colour(self, mode: QIcon.Mode, state: QIcon.State) -> str:
        theme = current()
        if mode is QIcon.Mode.Disabled:
            return theme.muted
        if self._ink == "on_accent" or mode is QIcon.Mode.Selected:
            return theme.on_accent
        return theme.accent if state is QIcon.State.On else getattr(theme, self._ink)


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.window,
        role.Text: theme.text,
        role.Button: theme.panel,
        role.ButtonText: theme.text,
        role.ToolTipBase: theme.overlay,
        role.ToolTipText: theme.on_overlay,
        role.PlaceholderText: theme.muted,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Link: theme.accent,
        role.Accent: theme.accent,
    }
    for which, colour in colours.items():
        palette.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.muted))
    return palette


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
