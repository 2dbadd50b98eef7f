"""After a kill, the program opens where the person was: the project, the image, the filter, the order."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.image_filter import FilterKind, ImageFilter
from app.image_order import ImageOrder, OrderKind
from tests.journeys.conftest import Person

PLACE = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from app.image_filter import FilterKind, ImageFilter
from app.image_order import ImageOrder, OrderKind
from tests.journeys.conftest import start_window

application = QApplication([])
me = start_window(Path(sys.argv[1]), Path(sys.argv[2]))
document, opened = me.window.document, []
me.window.projects.opened.connect(lambda: opened.append(True))
me.wait(lambda: opened and me.sees_picture())
me.window.ordering.choose(ImageOrder(OrderKind.BEST, descending=True))
document.set_filter(ImageFilter(FilterKind.TO_REVIEW))
document.show(document.visible[1])
kept = document.project.connect()
me.wait(lambda: kept.settings.get("current-image") == document.current)
print(document.images[document.current].path, flush=True)
while True:
    application.processEvents()
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such kill")


@contextmanager
def killed(repository: Path, settings: Path, folder: Path) -> Iterator[str]:
    """A window that was on an image and is killed; the image's path."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", PLACE, str(settings), str(folder)]
    with subprocess.Popen(
        command, cwd=repository, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        path = process.stdout.readline().strip()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    yield path


def test_a_kill_leaves_one_where_one_was(
    repository: Path, home: Path, folder: Path, start: "Callable[..., Person]"
) -> None:
    with killed(repository, home / "settings.ini", folder) as path:
        me = start()
        assert me.window.welcome.isVisible()
        me.window.projects.reopen()
        me.wait(lambda: me.window.document.order != ImageOrder())
    document = me.window.document
    assert path
    assert me.path == path
    assert document.filter == ImageFilter(FilterKind.TO_REVIEW)
    assert document.order == ImageOrder(OrderKind.BEST, descending=True)
    assert [document.images[image_id].path for image_id in document.visible] == ["a1.png", "a2.png", "a3.png"]


def test_a_project_that_ends_the_program_as_it_opens_is_not_opened_again(
    home: Path, folder: Path, start: "Callable[..., Person]"
) -> None:
    me = start()
    me.window.files.open_path(folder)
    me.wait(me.sees_picture)
    me.quit()
    again = start()
    again.window.projects.reopen()
    third = start()  # as if the second had ended before all images had come
    third.window.projects.reopen()
    assert third.window.jobs.running == []
    again.wait(lambda: again.window.document.project is not None)
    assert third.window.document.project is None
