"""Keeps in the project where the person is, so that it opens there again, whatever ended the program."""

from contextlib import suppress
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.document import CURRENT, Document
from app.image_filter import FilterKind, ImageFilter
from app.image_order import ImageOrder, OrderKind
from detector.data.project.records import Origin
from detector.errors import ProjectError

LIST = "images-list"  # the setting that keeps filter and order
SOON = 300  # ms; one transaction of a third of a millisecond
T = TypeVar("T")


class Bookmark(QObject):
    """Writes the current image, the filter and the order soon after they changed, and reads the filter at opening.

    `order_wanted` carries the order that `restore_order` finds: who sorts may first have to look at the files.
    """

    order_wanted = Signal(object)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._written: dict[str, Any] = {}
        self._soon = QTimer(self, singleShot=True, interval=SOON)
        self._soon.timeout.connect(self._write_if_free)
        document.current_changed.connect(self._on_moved)
        document.filter_changed.connect(self._on_moved)
        document.project_closing.connect(self.write)
        document.project_changed.connect(self._on_project_changed)

    def write(self) -> None:
        """Keep where the person is, unless it is kept already. What the disk refuses is no harm to the labels."""
        self._soon.stop()
        with suppress(ProjectError):
            self._write(wait=True)

    def _write_if_free(self) -> None:
        """Nobody has to wait for a worker that is writing: it is kept a moment later."""
        try:
            self._write(wait=False)
        except ProjectError:
            self._soon.start()

    def _write(self, *, wait: bool) -> None:
        document = self._document
        if document.project is None or document.project.read_only is not None or document.current is None:
            return
        now = {CURRENT: document.current, LIST: to_json(document.filter, document.order)}
        new = {key: value for key, value in now.items() if self._written.get(key) != value}
        if new:
            document.project.settings.put(new, wait=wait)
            self._written |= new

    def restore_order(self) -> None:
        """Ask for the order of the last time, once all images are known."""
        order = self._kept()[1]
        if order != self._document.order:
            self.order_wanted.emit(order)

    def _on_moved(self) -> None:
        if not self._soon.isActive():  # so that a key that is held down is no reason to wait
            self._soon.start()

    def _on_project_changed(self) -> None:
        self._soon.stop()
        self._written = {}
        if self._document.project is not None:
            self._document.set_filter(self._kept()[0])
            self._soon.stop()

    def _kept(self) -> tuple[ImageFilter, ImageOrder]:
        project = self._document.project
        if project is None:
            return ImageFilter(), ImageOrder()
        return from_json(project.settings.get(LIST), {item.id for item in project.classes()})


def to_json(wanted: ImageFilter, order: ImageOrder) -> dict[str, Any]:
    """What is kept of a filter and an order."""
    return {
        "kind": wanted.kind.value,
        "text": wanted.text,
        "class": wanted.class_id,
        "origin": wanted.origin and wanted.origin.value,
        "order": order.kind.value,
        "descending": order.descending,
    }


def from_json(kept: Any, class_ids: set[int]) -> tuple[ImageFilter, ImageOrder]:
    """The filter and the order that were kept, as far as they make sense with these classes."""
    said = kept if isinstance(kept, dict) else {}
    text, class_id = said.get("text"), said.get("class")
    wanted = ImageFilter(
        _member(FilterKind, said.get("kind")) or FilterKind.ALL,
        text if isinstance(text, str) else "",
        class_id if isinstance(class_id, int) and class_id in class_ids else None,
        _member(Origin, said.get("origin")),
    )
    return wanted, ImageOrder(_member(OrderKind, said.get("order")) or OrderKind.NAME, said.get("descending") is True)


def _member(kind: type[T], value: Any) -> T | None:
    with suppress(ValueError):
        return kind(value)  # pyright: ignore[reportCallIssue]
    return None
