"""A window to be killed while it auto-labels: python -m tests.journeys.label_child FOLDER SETTINGS.

Tells the number of images that are labelled whenever there are more of them.
"""

import os
import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication

from detector.events import ImagesLabelled
from tests.journeys.conftest import LONG, start_window


def main() -> None:
    application = QApplication([])
    me = start_window(Path(sys.argv[2]), Path(sys.argv[1]))
    me.wait(lambda: not me.window.jobs.running)
    me.click_button("Auto-label all")
    (job,) = (each for each in me.window.jobs.running if each.device)
    job.advanced.connect(tell)
    me.wait(lambda: not me.window.labelling.is_running, LONG)
    me.quit()
    application.quit()


def tell(events: list[object]) -> None:
    for event in events:
        if isinstance(event, ImagesLabelled):
            os.write(1, b"%d\n" % event.done)


if __name__ == "__main__":
    main()
