"""How long a person waits for the window: at its start, at opening, at switching, and in gaps of its event loop.

python tests/benchmarks/latency.py [PART ...] [--images 10000] [--seconds 20] [--switches 120] [--causes] [--json]
PART: start, open, switch, work, vouch; all of them if none is named. Pictures come from ../shared/data where that is
beside the repository, else from the sample; a large folder is made of hard links to them, in a temporary folder.

Each part runs the real window, offscreen, in a process of its own, driven by real mouse and key events. A timer of
5 ms in the window's thread notes how late it is. Beside it a process that does nothing notes how late it is woken:
what the machine's other work costs anybody. --causes says what the window's thread did in its long gaps.
"""

import argparse
import gc
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from types import FrameType

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared" / "data" / "coco-person" / "train"
SAMPLE = REPOSITORY / "resources" / "sample" / "images"
PARTS = ("start", "open", "switch", "work", "vouch")
TICK, LONG, LONGEST = 0.005, 0.05, 0.25  # seconds: of the timers, and the gaps that are judged
SOURCES, WORKED_ON = 60, 200  # pictures that a large folder is made of, and those that are labelled
MOVE = 12  # ms between two events of the mouse
Script = Generator[float | Callable[[], bool], None, None]  # what to wait for: seconds, or until something is true


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20, help="of editing, in each phase")
    parser.add_argument("--switches", type=int, default=120, help="from image to image")
    parser.add_argument("--repeats", type=int, default=5, help="of starts")
    parser.add_argument("--causes", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child == "idle":
        idle()
    elif asked.child:
        print(json.dumps(run_child(asked)))
    else:
        report(asked)


# The reporting process


def report(asked: argparse.Namespace) -> None:
    """Measure the parts that are asked for and print them."""
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for part in asked.parts or PARTS:
            measured[part] = PARTS_MEASURED[part](asked, Path(folder))
            if not asked.json:
                show(part, measured[part])
    if asked.json:
        print(json.dumps(measured, indent=1))


def measure_start(asked: argparse.Namespace, folder: Path) -> dict:
    """Seconds from the start of the process to the first painted window."""
    runs = [call(asked, "start", None) for _ in range(asked.repeats)]
    seconds = [run["shown"] - run["born"] for run in runs]
    return {
        "window": median(seconds),
        "worst": max(seconds),
        "heavy": sorted({name for r in runs for name in r["heavy"]}),
    }


def measure_open(asked: argparse.Namespace, folder: Path) -> dict:
    """A folder that is new, then the same with its store; and scrolling through it."""
    large = make_folder(folder / "large", asked.images)
    return {name: call(asked, "open", large) for name in ("new", "known")}


def measure_switch(asked: argparse.Namespace, folder: Path) -> dict:
    """Next and previous in a large folder."""
    return call(asked, "switch", make_folder(folder / "switch", asked.images))


def measure_work(asked: argparse.Namespace, folder: Path) -> dict:
    """Editing alone, during auto-labelling, during a fine-tuning."""
    return call(asked, "work", make_folder(folder / "work", WORKED_ON))


def measure_vouch(asked: argparse.Namespace, folder: Path) -> dict:
    """Vouching for all images of a large folder, with ten proposals each; and taking it back."""
    return call(asked, "vouch", make_folder(folder / "vouch", asked.images))


PARTS_MEASURED = {
    "start": measure_start,
    "open": measure_open,
    "switch": measure_switch,
    "work": measure_work,
    "vouch": measure_vouch,
}


def call(asked: argparse.Namespace, part: str, folder: Path | None) -> dict:
    """What one part measures in a process of its own, with the idle process beside it."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    beside = subprocess.Popen(
        [sys.executable, __file__, "--child", "idle"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    command = [sys.executable, __file__, "--child", part, "--seconds", str(asked.seconds)]
    command += ["--switches", str(asked.switches)]
    command += ["--folder", str(folder)] if folder else []
    command += ["--causes"] if asked.causes else []
    born = time.monotonic()
    child = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    gaps = json.loads(beside.communicate(b"\n")[0])
    if child.returncode:
        sys.exit(f"the part “{part}” failed with {child.returncode}")
    found = {**json.loads(child.stdout), "born": born}
    for phase in found.get("phases", {}).values():
        began, ended = phase["began"], phase["ended"]
        phase["idle"] = summary([(at, gap) for at, gap in gaps if began <= at <= ended], ended - began)
    return found


def make_folder(folder: Path, number: int) -> Path:
    """A folder of so many pictures."""
    sources = sorted((SHARED if SHARED.is_dir() else SAMPLE).iterdir())[: SOURCES if number > WORKED_ON else WORKED_ON]
    folder.mkdir()
    for place in range(number):
        source = sources[place % len(sources)]
        target = folder / f"picture {place}{source.suffix}"
        try:
            os.link(source, target)
        except OSError:
            target.write_bytes(source.read_bytes())
    return folder


def show(part: str, found: dict) -> None:
    """A part's figures as lines of a table."""
    if part == "start":
        heavy = ", ".join(found["heavy"]) or "nothing heavy"
        print(f"start: window painted after {found['window']:.2f} s (worst {found['worst']:.2f} s), {heavy} loaded")
    for name, one in found.items() if part == "open" else [(part, found)]:
        facts = {key: value for key, value in one.items() if key not in ("born", "shown", "phases")}
        if part != "start":
            print(f"{part} ({name}):", ", ".join(f"{key} {fact_text(value)}" for key, value in facts.items()))
        for phase, figures in one.get("phases", {}).items():
            print(f"  {phase:32} {gap_text(figures)}  beside it, idle: {gap_text(figures['idle'])}")
            for text, number in figures["causes"]:
                print(f"      {number} × {text}")
    sys.stdout.flush()


def fact_text(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


def gap_text(figures: dict) -> str:
    return f"max {1000 * figures['max']:5.0f} ms, over 50 ms {100 * figures['share']:6.3f}% ({figures['number']})"


def summary(gaps: Sequence[tuple[float, float]], seconds: float) -> dict:
    """Of (time, length) of gaps: the longest, the share of the time in those that are long, and their number."""
    long = [gap for _, gap in gaps if gap > LONG]
    return {
        "max": max((gap for _, gap in gaps), default=0.0),
        "share": sum(long) / seconds,
        "number": len(long),
        "over250": sum(gap > LONGEST for gap in long),
    }


def idle() -> None:
    """Sleep a tick at a time until told to end; then print when that took much longer."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(1), ended.set()), daemon=True).start()
    gaps = []
    last = time.monotonic()
    while not ended.is_set():
        time.sleep(TICK)
        now = time.monotonic()
        if now - last > 2 * TICK:
            gaps.append((now, now - last))
        last = now
    print(json.dumps(gaps))


# The process with the window


def run_child(asked: argparse.Namespace) -> dict:
    """Run the program as it is, but with a script in place of its event loop's endless wait."""
    sys.path.insert(0, str(REPOSITORY))
    gc.disable()  # as main.py does
    from PySide6.QtCore import QStandardPaths
    from PySide6.QtWidgets import QApplication

    from app import application, settings

    found: dict = {}
    endless = QApplication.exec
    with tempfile.TemporaryDirectory() as home:
        QStandardPaths.setTestModeEnabled(True)
        kept = settings.Settings.__init__
        settings.Settings.__init__ = lambda self, path=None: kept(self, path or Path(home) / "settings.ini")

        def drive(_: object = None) -> int:
            driver = Driver(asked, found)
            code = endless()
            found.update({"phases": driver.meter.phases, "peak memory MB": peak_memory()})
            return code

        QApplication.exec = drive
        application.run()
    return found


def peak_memory() -> float:
    """The most that this process has had in memory, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Meter:
    """Notes how late a timer of the window's thread is, by phases."""

    def __init__(self, *, with_causes: bool) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.phases: dict[str, dict] = {}
        self._phase, self._gaps, self._began = "", [], 0.0
        self._causes: Counter[str] = Counter()
        self._last = time.monotonic()
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=round(1000 * TICK))
        self._timer.timeout.connect(self._on_tick)
        self._timer.start()
        if with_causes:
            self._thread, self._collecting = threading.get_ident(), 0.0
            gc.callbacks.append(self._on_collection)
            threading.Thread(target=self._watch, daemon=True).start()

    def begin(self, phase: str) -> None:
        """End the phase before, and begin this one."""
        now = time.monotonic()
        if self._phase:
            figures = summary(self._gaps, now - self._began)
            common = self._causes.most_common(12)
            self.phases[self._phase] = {**figures, "began": self._began, "ended": now, "causes": common}
        self._phase, self._gaps, self._began, self._causes = phase, [], now, Counter()

    def _on_tick(self) -> None:
        now = time.monotonic()
        if now - self._last > 2 * TICK:
            self._gaps.append((now, now - self._last))
        self._last = now

    def _on_collection(self, phase: str, info: dict) -> None:
        now = time.monotonic()
        if phase == "start":
            self._collecting = now
        elif now - self._collecting > 4 * TICK:
            self._causes[f"a collection of garbage, {1000 * (now - self._collecting):.0f} ms"] += 1

    def _watch(self) -> None:
        """In a thread: where the window's thread is while it is late. Where this thread is late too, nobody got on."""
        before = time.monotonic()
        while True:
            time.sleep(0.01)
            now = time.monotonic()
            stuck, before = now - before > 0.04, now
            if now - self._last > 0.04:
                steps = own_steps(sys._current_frames().get(self._thread))
                self._causes[("(all threads waited) " if stuck else "") + " > ".join(steps[-4:])] += 1


def own_steps(frame: FrameType | None) -> list[str]:
    """This program's functions that are being run. Quick: a frame that is held keeps painters alive, and Qt crashes."""
    steps = []
    while frame is not None:
        if frame.f_code.co_filename.startswith(str(REPOSITORY)):
            steps.append((frame.f_code.co_filename, frame.f_code.co_name, frame.f_lineno))
        frame = frame.f_back
    return [f"{Path(file).stem}.{name}:{line}" for file, name, line in reversed(steps)]


class Driver:
    """Runs a part's script within the event loop, and ends the program with it."""

    def __init__(self, asked: argparse.Namespace, found: dict) -> None:
        from PySide6.QtCore import QEvent, QObject, QTimer
        from PySide6.QtWidgets import QApplication

        from app.main_window import MainWindow

        (self.window,) = (w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))
        self.asked, self.found = asked, found
        self.meter = Meter(with_causes=asked.causes)
        self.painted: int | None = None  # the image that the canvas has painted
        self._shown: int | None = None
        driver = self

        class Watcher(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:
                if event.type() == QEvent.Type.Paint:
                    found.setdefault("shown", time.monotonic())
                    driver.painted = driver._shown
                return False

        self._watcher = Watcher()
        self.window.installEventFilter(self._watcher)
        self.window.canvas.viewport().installEventFilter(self._watcher)
        self.window.pictures.ready.connect(self._on_ready)
        self.opened = 0.0  # when all images were known
        self.window.projects.opened.connect(self._on_opened)
        scripts = {"start": start, "open": opening, "switch": switching, "work": working, "vouch": vouching}
        self._script: Script = scripts[asked.child](self)
        self._until: Callable[[], bool] = lambda: True
        self._timer = QTimer(interval=2)
        self._timer.timeout.connect(self._on_timer)
        self._timer.start()

    def _on_ready(self, picture) -> None:
        self._shown = picture.image_id

    def _on_opened(self) -> None:
        self.opened = time.monotonic()

    def open_folder(self) -> None:
        """Open the folder that the part is about."""
        self.window.files.open_path(self.asked.folder)

    def _on_timer(self) -> None:
        if not self._until():
            return
        try:
            wanted = next(self._script)
        except StopIteration:
            self._timer.stop()
            self.meter.begin("")
            self.window.close()
            return
        if callable(wanted):
            self._until = wanted
        else:
            then = time.monotonic() + wanted
            self._until = lambda: time.monotonic() >= then


def start(driver: Driver) -> Script:
    """Only the window."""
    yield lambda: "shown" in driver.found
    heavy = ("torch", "torchvision", "pyqtgraph", "pycocotools", "app.panels.training_plots")
    driver.found["heavy"] = [name for name in heavy if name in sys.modules]


def opening(driver: Driver) -> Script:
    """The first picture, all images, then a walk through the thumbnails, filters and orders."""
    from app.image_filter import ImageFilter
    from app.image_order import ImageOrder, OrderKind

    document, began = driver.window.document, time.monotonic()
    driver.meter.begin("opening")
    driver.open_folder()
    yield lambda: driver.painted is not None
    driver.found["first picture s"] = time.monotonic() - began
    yield lambda: driver.opened > 0
    driver.found["list complete s"] = driver.opened - began
    driver.found["images"] = len(document.images)
    driver.found["memory then MB"] = peak_memory()
    bar = driver.window.images.grid.verticalScrollBar()
    driver.meter.begin("scrolling thumbnails")
    until = time.monotonic() + min(driver.asked.seconds, 10)
    while time.monotonic() < until:
        bar.setValue((bar.value() + bar.pageStep() // 3) % max(bar.maximum(), 1))
        yield 0.03
    driver.meter.begin("filtering")
    for kind in list(driver.window.images.chips.kinds.values()) * 2:
        kind.click()
        yield 0.3
    document.set_filter(ImageFilter())
    driver.meter.begin("searching")
    for text in ("9", "99", "99.", ""):
        driver.window.images._search.setText(text)
        yield 0.5
    for order in OrderKind:
        driver.meter.begin(f"sorting by {order.value}")
        driver.window.ordering.choose(ImageOrder(order, descending=True))
        yield 1.0
    driver.meter.begin("compact list")
    driver.window.images.set_compact(True)
    yield 0.5
    driver.meter.begin("looking at the folder again")
    driver.window.refreshing.look()
    yield lambda: not driver.window.jobs.running


def switching(driver: Driver) -> Script:
    """Next and previous, as fast as pictures come, after a moment in which the neighbours are read."""
    from PySide6.QtCore import Qt

    driver.open_folder()
    yield lambda: driver.painted is not None and driver.opened > 0
    yield 1.0
    taken = []
    driver.meter.begin("switching")
    for step in range(driver.asked.switches):
        yield 0.15
        before = driver.window.document.current
        began = time.monotonic()
        press_key(driver, Qt.Key.Key_A if step % 6 == 5 else Qt.Key.Key_D)
        yield lambda: driver.painted == driver.window.document.current
        if driver.window.document.current != before:
            taken.append(1000 * (time.monotonic() - began))
    taken.sort()
    driver.found.update({"switch median ms": median(taken), "switch p95 ms": taken[int(0.95 * len(taken))]})


def working(driver: Driver) -> Script:
    """Editing alone; while the model is loaded; while it labels; while another process trains."""
    from app.dialogs.fine_tune import FineTuneDialog
    from app.verbs import box_verbs, undoing
    from app.verbs.class_verbs import add_class
    from app.verbs.reviewing import review

    window, meter, seconds = driver.window, driver.meter, driver.asked.seconds
    driver.open_folder()
    yield lambda: driver.painted is not None and driver.opened > 0
    window.activateWindow()
    add_class(window.document, "thing")
    yield 1.0
    meter.begin("nothing")
    yield 3.0
    meter.begin("editing")
    yield from edit(driver, lambda: False, seconds / 2)
    labelling = []
    window.labelling.device_found.connect(lambda _: labelling.append(True))
    told = []
    window.labelling.progressed.connect(lambda text, _: told.append((time.monotonic(), text)))
    meter.begin("loading the model")
    clicked = time.monotonic()
    window.actions_["label-all"].trigger()
    yield lambda: bool(labelling)
    yield 0.5
    meter.begin("labelling while editing")
    yield from edit(driver, lambda: not window.labelling.is_running, 3 * seconds)
    driver.found["labelled"] = sum(
        window.document.project.predictions.of(i) is not None for i in window.document.images
    )
    first = next(when for when, text in told if text.startswith("Labelling"))  # which is told of stored ones
    driver.found["first label s"] = first - clicked
    was_running, stopped = window.labelling.is_running, time.monotonic()
    window.labelling.stop()
    yield lambda: not window.labelling.is_running
    if was_running:
        driver.found["stopping s"] = time.monotonic() - stopped
    meter.begin("undoing the pass")
    while window.document.undo_stack.index():
        undoing.undo(window.document)
        yield MOVE / 1000
    undoing.redo(window.document)
    yield 0.5
    for _ in range(16):
        box_verbs.draw(window.document, (10.0, 10.0, 90.0, 90.0))
        review(window.document)
        yield 0.05
    meter.begin("a sheet and a start of training")
    window.actions_["fine-tune"].trigger()
    yield 0.5
    window.findChild(FineTuneDialog)._start.click()
    yield lambda: window.fine_tuning.watcher is not None
    meter.begin("training while editing")
    yield from edit(driver, lambda: False, 2 * seconds)
    watcher = window.fine_tuning.watcher
    driver.found["training"] = watcher.state.value
    watcher.run.kill()
    yield lambda: watcher.state.has_ended


def vouching(driver: Driver) -> Script:
    """A review of all images at once."""
    from app.verbs import undoing
    from app.widgets.image_menu import ImageVerb
    from detector.data.project.records import State

    window, meter = driver.window, driver.meter
    put_predictions(driver.asked.folder)
    driver.open_folder()
    yield lambda: driver.painted is not None and driver.opened > 0 and not window.jobs.running
    yield 2.0
    reviewed = window.document.tally.states[State.REVIEWED]
    total = len(window.document.images)
    for phase, act, number in (
        ("vouching", lambda: window.image_work.run(ImageVerb.REVIEW, list(window.document.images)), total),
        ("taking it back", lambda: undoing.undo(window.document), 0),
    ):
        meter.begin(phase)
        began = time.monotonic()
        act()
        yield lambda number=number: len(reviewed) == number and not window.document.busy and not window.jobs.running
        driver.found[f"{phase} s"] = time.monotonic() - began
    driver.found["images"] = total


def put_predictions(folder: Path) -> None:
    """What a model found in a folder's pictures: ten boxes in each."""
    import numpy as np

    from detector.boxes import Detections
    from detector.data.project.store import Project

    project, chance = Project.open(folder), np.random.default_rng(0)
    images = [image for chunk in project.scan() for image in chunk]
    made = project.passes.begin(model="M", source="m", names=["a", "b"], category_ids=[1, 2], thresholds={})
    for start in range(0, len(images), 500):
        found = []
        for image in images[start : start + 500]:
            corners = chance.uniform(0, 300, (10, 2)).astype(np.float32)
            scores = chance.uniform(0.4, 1, 10).astype(np.float32)
            boxes = np.hstack([corners, corners + 40])
            found.append((image.id, Detections(boxes, scores, chance.integers(0, 2, 10), np.arange(10))))
        project.predictions.put(made.id, found)
    project.close()


def edit(driver: Driver, ended: Callable[[], bool], seconds: float) -> Script:
    """A person's gestures in turn, as mouse and key events: draw, move, accept, delete, threshold, undo, switch."""
    until, chance = time.monotonic() + seconds, random.Random(0)
    slider, gestures = driver.window.detection._slider, Counter()
    for number in count():
        for name, gesture in (("draw", draw), ("move", move), ("accept", accept)):
            yield from gesture(driver, chance)
            gestures[name] += 1
            if ended() or time.monotonic() > until:
                driver.found.setdefault("gestures", []).append(dict(gestures))
                return
        yield from keys(driver, "Z", control=True)
        for value in range(20, 45, 5) if number % 2 else range(45, 20, -5):
            slider.setValue(value)
            yield MOVE / 1000
        yield from keys(driver, "DSD" if number % 3 else "A")
        gestures["switch"] += 1
        yield lambda: driver.painted == driver.window.document.current


def draw(driver: Driver, chance: random.Random) -> Script:
    """A box, by a drag."""
    yield from keys(driver, "W")
    yield from drag(driver, (chance.uniform(0.1, 0.5), chance.uniform(0.1, 0.5)), (0.2, 0.3))


def move(driver: Driver, chance: random.Random) -> Script:
    """The last box, by a drag."""
    yield from keys(driver, "V")
    boxes = [box for box in driver.window.document.shown if not box.is_proposal]
    if boxes:
        (width, height), (x1, y1, x2, y2) = driver.window.canvas.picture_size or (1, 1), boxes[-1].xyxy
        yield from drag(driver, ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height), (0.05, -0.04))


def accept(driver: Driver, chance: random.Random) -> Script:
    """A proposal by Enter, another is rejected by Delete."""
    for key in ("\r", "\x7f"):
        proposals = [box.key for box in driver.window.document.shown if box.is_proposal]
        if proposals:
            driver.window.document.set_selection([chance.choice(proposals)])
            yield MOVE / 1000
            yield from keys(driver, key)


def drag(driver: Driver, start: tuple[float, float], by: tuple[float, float]) -> Script:
    """A drag of the left button; places are shares of the picture."""
    from PySide6.QtCore import QPointF, Qt
    from PySide6.QtTest import QTest

    canvas = driver.window.canvas
    if canvas.picture_size is None:
        return
    width, height = canvas.picture_size

    def at(share: float) -> QPointF:
        return canvas.viewportTransform().map(
            QPointF((start[0] + share * by[0]) * width, (start[1] + share * by[1]) * height)
        )

    left, plain = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mouseMove(canvas.viewport(), at(0).toPoint())
    QTest.mousePress(canvas.viewport(), left, plain, at(0).toPoint())
    for step in range(1, 16):
        yield MOVE / 1000
        QTest.mouseMove(canvas.viewport(), at(step / 15).toPoint())
    QTest.mouseRelease(canvas.viewport(), left, plain, at(1).toPoint())
    yield MOVE / 1000


def keys(driver: Driver, text: str, *, control: bool = False) -> Script:
    """Keys on the canvas, one after the other."""
    from PySide6.QtCore import Qt

    special = {"\r": Qt.Key.Key_Return, "\x7f": Qt.Key.Key_Delete}
    for letter in text:
        press_key(driver, special.get(letter) or Qt.Key(ord(letter)), control=control)
        yield MOVE / 1000


def press_key(driver: Driver, key, *, control: bool = False) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    modifiers = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    driver.window.canvas.setFocus()
    QTest.keyClick(driver.window.canvas, key, modifiers)


if __name__ == "__main__":
    main()
