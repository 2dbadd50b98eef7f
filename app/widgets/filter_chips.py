"""The chips above the images list: the filters that one needs all day, and the others that are on."""

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from app.document import Document
from app.image_filter import FilterKind, ImageFilter
from app.widgets.filter_popover import KIND_TEXTS, ORIGIN_TEXTS
from app.widgets.flow_layout import FlowLayout

ALWAYS = (FilterKind.ALL, FilterKind.TO_REVIEW, FilterKind.REVIEWED)
LONGEST = 22  # letters of a class on a chip


class FilterChips(QWidget):
    """`kind_chosen` carries a FilterKind; a click on a further filter that is on takes it away."""

    kind_chosen = Signal(object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.kinds = {kind: self._make_kind(kind) for kind in ALWAYS}
        self._tokens = [self._make_token() for _ in range(4)]
        layout = FlowLayout(self, gap=4)
        for button in (*self.kinds.values(), *self._tokens):
            layout.addWidget(button)

    @property
    def shows_more(self) -> bool:
        """Whether a further filter is on."""
        return self._tokens[0].isVisibleTo(self)

    def show_filter(self, wanted: ImageFilter, counts: dict[FilterKind, int]) -> None:
        """Show what is on; `counts`: images of each kind."""
        total, to_review = counts[FilterKind.ALL], counts[FilterKind.TO_REVIEW]
        for kind, chip in self.kinds.items():
            is_numbered = kind is FilterKind.TO_REVIEW and to_review
            chip.setText(f"{KIND_TEXTS[kind]} {to_review:,}" if is_numbered else KIND_TEXTS[kind])
            chip.setToolTip(f"{counts[kind]:,} of {total:,} images")
            chip.setChecked(kind is wanted.kind)
        more = self._more(wanted, counts)
        for place, token in enumerate(self._tokens):
            token.setVisible(place < len(more))
            if place < len(more):
                token.show_filter(*more[place])

    def _more(self, wanted: ImageFilter, counts: dict[FilterKind, int]) -> list[tuple[str, ImageFilter]]:
        """What each further filter that is on says, and the filter that is left without it."""
        more: list[tuple[str, ImageFilter]] = []
        if wanted.kind not in ALWAYS:
            more.append((f"{KIND_TEXTS[wanted.kind]} {counts[wanted.kind]:,}", replace(wanted, kind=FilterKind.ALL)))
        if wanted.class_id is not None:
            more.append((_short(self._document.class_of(wanted.class_id).name), replace(wanted, class_id=None)))
        if wanted.among is not None:
            title = f"{wanted.among.title} {len(wanted.among.ids):,}"
            more.append((title, replace(wanted, among=None)))
        if wanted.origin is not None:
            more.append((ORIGIN_TEXTS[wanted.origin], replace(wanted, origin=None)))
        return more

    def _make_kind(self, kind: FilterKind) -> QPushButton:
        chip = QPushButton(KIND_TEXTS[kind])
        chip.setCheckable(True)
        chip.setProperty("role", "chip")
        chip.clicked.connect(lambda: self._on_clicked(kind))
        return chip

    def _on_clicked(self, kind: FilterKind) -> None:
        self.kind_chosen.emit(kind)
        self.kinds[kind].setChecked(kind is self._document.filter.kind)

    def _make_token(self) -> "_Token":
        token = _Token()
        token.clicked.connect(lambda: self._document.set_filter(token.without))
        token.hide()
        return token


class _Token(QPushButton):
    """A filter that is on; a click takes it away."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "chip")
        self.setCheckable(True)
        self.without = ImageFilter()

    def show_filter(self, text: str, without: ImageFilter) -> None:
        """What it says, and the filter that is left without it."""
        self.setText(f"{text}  ✕".replace("&", "&&"))
        self.setAccessibleName(f"Remove the filter {text}")
        self.setToolTip("Remove this filter")
        self.setChecked(True)
        self.without = without


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
