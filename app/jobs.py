"""Long work in threads, and the only module that knows threads: a job iterates a generator of events."""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.notifications import Notifications
from detector.errors import StudioError

INTERVAL = 0.1  # seconds between two deliveries of events
NICENESS = 10
Work = Callable[[], Iterable[Any]]


class BusyError(StudioError):
    """The device already has a job."""


class Job(QObject):
    """Work under way. Its signals arrive in the window's thread; exactly one of the last three ends it.

    advanced: the events since the last time, a list, at most ten times a second. failed carries the exception.
    """

    advanced = Signal(list)
    finished = Signal()
    failed = Signal(object)
    cancelled = Signal()
    _woken = Signal()

    def __init__(self, name: str, work: Work, *, device: bool, outlives_project: bool) -> None:
        super().__init__()  # no parent: whoever goes first, job or Jobs, the other one's end is its own
        self.name, self.device, self.outlives_project = name, device, outlives_project
        self.cancelling = False
        self._work = work
        self._events: deque[Any] = deque()
        self._error: BaseException | None = None
        self._ended = self._told = self._reported = False
        self._delivered = 0.0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._deliver)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the work to end: it does so before its next event."""
        self.cancelling = True

    def join(self) -> None:
        """Wait until the thread has ended; for closing the program."""
        self._thread.join()
        self._timer.stop()

    def _run(self) -> None:
        """The thread: collects events until the work ends. It touches no widget and no timer."""
        _lower_priority()
        try:
            events = self._work()
            try:
                for event in events:
                    self._events.append(event)
                    if not self._told:  # one wake-up is enough until the window has looked
                        self._told = True
                        self._woken.emit()
                    if self.cancelling:
                        break
            finally:
                if close := getattr(events, "close", None):
                    close()
        except BaseException as error:  # whatever it is, the window must hear of it
            self._error = error
        finally:
            self._ended = True
            with suppress(RuntimeError):  # the program is closing and the job is gone
                self._woken.emit()

    def _on_woken(self) -> None:
        left = self._delivered + INTERVAL - time.monotonic()
        if self._ended or left <= 0:
            self._deliver()
        elif not self._timer.isActive():
            self._timer.start(max(1, round(left * 1000)))

    def _deliver(self) -> None:
        self._timer.stop()
        self._delivered = time.monotonic()
        ended = self._ended  # before the events are taken: none comes after it
        self._told = False
        events = [self._events.popleft() for _ in range(len(self._events))]
        if events:
            self.advanced.emit(events)
        if ended and not self._reported:
            self._reported = True
            self._thread.join()
            if self._error is not None and not (self.cancelling and isinstance(self._error, StudioError)):
                self.failed.emit(self._error)
            elif self.cancelling:
                self.cancelled.emit()
            else:
                self.finished.emit()


class Jobs(QObject):
    """Starts jobs, keeps them while they run, and tells the one door what failed."""

    def __init__(self, notifications: Notifications, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._notifications = notifications
        self.running: list[Job] = []

    @property
    def device_job(self) -> Job | None:
        """The job that has the device, if any."""
        return next((job for job in self.running if job.device), None)

    def start(
        self,
        name: str,
        work: Work,
        *,
        on_events: Callable[[list[Any]], None] | None = None,
        on_done: Callable[[], None] | None = None,
        on_failed: Callable[[], None] | None = None,
        device: bool = False,
        outlives_project: bool = False,
    ) -> Job:
        """Run `work` and iterate what it gives in a thread; the callbacks run in the window's thread.

        `on_done` comes only after a good end, `on_failed` before the person is told of an error. Raises BusyError where
        the job wants the device and another one has it.
        """
        if device and (other := self.device_job):
            raise BusyError(f"{other.name} is still running; stop it first, or wait for its end.")
        job = Job(name, work, device=device, outlives_project=outlives_project)
        if on_events:
            job.advanced.connect(on_events)
        self.running.append(job)
        for signal in (job.finished, job.failed, job.cancelled):
            signal.connect(lambda *_, job=job: self._on_ended(job))
        if on_failed:
            job.failed.connect(lambda _: on_failed())
        job.failed.connect(self._notifications.error)
        if on_done:
            job.finished.connect(on_done)
        job.start()
        return job

    def cancel_for_project(self) -> None:
        """Cancel the jobs that work for the open project. They end soon, on connections of their own."""
        for job in self.running:
            if not job.outlives_project:
                job.cancel()

    def stop_all(self) -> None:
        """Cancel every job and wait for the threads, when there is no window any more that could freeze."""
        for job in self.running:
            job.cancel()
        for job in self.running:
            job.join()
        self.running.clear()

    def _on_ended(self, job: Job) -> None:
        if job in self.running:
            self.running.remove(job)
            job.deleteLater()


def _lower_priority() -> None:
    """The window goes first. Only Linux has priorities by thread; elsewhere one core left free has to do."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
