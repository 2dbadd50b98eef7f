"""Who watches a run: its events and whether it lives, from its folder."""

from enum import StrEnum

from PySide6.QtCore import QObject, QTimer, Signal

from app.background.training_process import Run
from detector.events import Event, RunFinished, RunStarted, from_json
from detector.training.run_folder import EVENTS, STOP_FILE

POLL = 500  # ms between two looks at a run
SLICE = 128 * 1024  # bytes of events read at a time: some 10 ms


class RunState(StrEnum):
    """Where a run is. STOPPED by the person, DIED by anything else."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    STOPPED = "stopped"
    DIED = "died"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return self in (RunState.FINISHED, RunState.STOPPED, RunState.DIED)


class RunWatcher(QObject):
    """Follows a run's events and whether it lives, from the first event on, until it has ended.

    events_read: a list of Event, in order. state_changed: the RunState; `reason` says why a run DIED.
    """

    events_read = Signal(list)
    state_changed = Signal(object)

    def __init__(self, run: Run, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = run
        self.state = RunState.STARTING
        self.reason = ""
        self._offset = 0
        self._newest: RunStarted | RunFinished | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.look)
        self._timer.start(0)

    def stop(self) -> None:
        """Ask the run for a good end. Raises OSError."""
        self.run.stop()
        self.look()

    def close(self) -> None:
        """Look no more; the run goes on."""
        self._timer.stop()

    def look(self) -> None:
        """Read what is new; come again soon, unless it has ended."""
        alive = self.run.is_alive()  # before reading: what is written after this is read by the next look
        is_old = self._offset < self.run.resumed_at  # what it told before it went on says nothing of how it is now
        events, is_all = self._read()
        for event in events:
            if isinstance(event, RunStarted | RunFinished) and not is_old:
                self._newest = event
        if events:
            self.events_read.emit(events)
        if is_all or alive:
            self._set_state(self._judge(alive))
        if alive or not is_all:  # alive: a child must be reaped, too
            self._timer.start(POLL if is_all else 0)

    def _judge(self, alive: bool) -> RunState:
        if isinstance(self._newest, RunFinished):
            return RunState.STOPPED if self._newest.reason == "stopped" else RunState.FINISHED
        asked = (self.run.folder / STOP_FILE).exists()
        if not alive:
            return RunState.STOPPED if asked else RunState.DIED
        if asked:
            return RunState.STOPPING
        return RunState.RUNNING if self._newest else RunState.STARTING

    def _set_state(self, state: RunState) -> None:
        if state is not self.state:
            self.state = state
            self.reason = ""
            if state is RunState.DIED:
                self.reason = self.run.death_reason()
                self.run.kill_orphans()
            self.state_changed.emit(state)

    def _read(self) -> tuple[list[Event], bool]:
        """The next whole lines' events, and whether those were all there are."""
        try:
            with (self.run.folder / EVENTS).open("rb") as file:
                file.seek(self._offset)
                old = self.run.resumed_at - self._offset
                data = file.read(min(SLICE, old) if old > 0 else SLICE) + file.readline()
        except OSError:  # not there yet, or on a drive that is away for a moment
            return [], True
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        events = [event for line in data[:whole].split(b"\n") if (event := from_json(line))]
        return events, len(data) < SLICE and self._offset >= self.run.resumed_at
