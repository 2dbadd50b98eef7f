"""Sorting the images; by date a worker first looks at the files."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject

from app.document import Document
from app.image_order import ImageOrder, OrderKind
from app.jobs import Job, Jobs

AT_ONCE = 2000  # files that are looked at between two chances to stop


class Ordering(QObject):
    """Puts the document's images in an order as soon as what it goes by is known."""

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._jobs = document, jobs
        self._job: Job | None = None

    def choose(self, wanted: ImageOrder) -> None:
        """Sort, also where the order is the present one: images may have changed since."""
        project = self._document.project
        if self._job is not None:
            self._job.cancel()
            self._job = None
        if project is None:
            return
        if wanted.kind is not OrderKind.DATE:
            self._document.set_order(wanted)
            return
        paths = {image.id: image.path for image in self._document.images.values()}
        dates: dict[int, float] = {}

        def take(found: list[dict[int, float]]) -> None:
            for some in found:
                dates.update(some)

        def finish() -> None:
            if job is self._job and self._document.project is project:
                self._job = None
                self._document.set_order(wanted, dates)

        job = self._job = self._jobs.start(
            "Reading dates", lambda: read_dates(project.folder, paths), on_events=take, on_done=finish
        )

    def follow_files(self) -> None:
        """Files may have come or changed: they go to their places where the order is by date."""
        if self._document.order.kind is OrderKind.DATE:
            self.choose(self._document.order)


def read_dates(folder: Path, paths: Mapping[int, str]) -> Iterator[dict[int, float]]:
    """In a worker: when the files were changed last, in seconds, by image id; those that are gone have no date."""
    found: dict[int, float] = {}
    for image_id, path in paths.items():
        with suppress(OSError):
            found[image_id] = os.stat(folder / path).st_mtime
        if len(found) == AT_ONCE:
            yield found
            found = {}
    yield found
