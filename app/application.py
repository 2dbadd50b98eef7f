"""Starts the window."""

import gc
import sys
from pathlib import Path

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from app import theme
from app.garbage import Garbage
from app.main_window import MainWindow
from app.settings import THEME, Settings

SWITCH = 0.0005  # seconds a worker goes on computing when the window's thread has something to do; 5 ms by default
FRAMED = 0.94  # of a screen: what a window may take beside its frame


def run(path: Path | None = None) -> int:
    """Show the window, on a folder or COCO file if one is named, until it is closed; gives the exit code."""
    sys.setswitchinterval(SWITCH)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("efficientdet-studio")
    application.setApplicationDisplayName("EfficientDet Studio")
    application.setDesktopFileName("efficientdet-studio")
    application.setWindowIcon(QIcon(str(theme.RESOURCES / "icons" / "app.svg")))
    settings = Settings()
    theme.apply(application, theme.named(settings.get(THEME)))
    window = MainWindow(settings)
    window.notifications.catch_all()
    if not window.isMaximized():
        window.resize(window.size().boundedTo(window.screen().availableSize() * FRAMED))
    window.show()
    Garbage(window)
    window.find_device()
    if path is not None:
        window.files.open_path(path)
    else:
        window.projects.reopen()
    code = application.exec()
    window.jobs.stop_all()
    gc.unfreeze()  # or what is taken apart at the end misses what it needs
    return code
