"""Opening a folder in a document as the window does, but at once."""

from pathlib import Path

from app.background.opening import ImagesRead, IndexRead, read_project
from app.document import Document
from detector.data.project.store import Project


def open_into(document: Document, folder: Path) -> Document:
    """The document, with the folder's project and all that is read of it."""
    project = Project.open(folder)
    document.attach(project)
    for event in read_project(project):
        if isinstance(event, ImagesRead):
            document.add_images(event.images, keys=event.keys, counts=event.counts, origins=event.origins)
        elif isinstance(event, IndexRead):
            document.set_index(event.index)
    return document
