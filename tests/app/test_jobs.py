"""Threads: events arrive in the window's thread, ten times a second at most; a job ends once, whatever happens."""

import threading
import time
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.jobs import INTERVAL, BusyError, Jobs
from app.notifications import Kind, Notifications
from detector.errors import ImageError


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[Jobs]:
    made = Jobs(Notifications())
    yield made
    made.stop_all()


def until(event: threading.Event) -> Iterator[int]:
    """Counts until it is told to end."""
    number = 0
    while not event.is_set():
        number += 1
        yield number
        time.sleep(0.001)


def test_events_arrive_in_order_in_this_thread_and_not_too_often(jobs: Jobs, qtbot: QtBot):
    batches, threads = [], set()

    def take(events: list[int]) -> None:
        threads.add(threading.current_thread())
        batches.append(events)

    def work() -> Iterator[int]:
        for number in range(300):
            yield number
            time.sleep(0.002)

    began = time.monotonic()
    with qtbot.waitSignal(jobs.start("count", work, on_events=take).finished):
        pass
    assert [number for events in batches for number in events] == list(range(300))
    assert threads == {threading.main_thread()}
    took = time.monotonic() - began
    assert 2 <= len(batches) <= took / INTERVAL + 2  # the last batch comes with the end
    assert not jobs.running


@pytest.mark.parametrize("error", [RuntimeError("CUDA error"), ImageError("a.jpg: damaged."), SystemExit(3)])
def test_every_exception_reaches_the_one_door(qtbot: QtBot, error: BaseException):
    notifications = Notifications()
    jobs = Jobs(notifications)

    def work() -> Iterator[int]:
        yield 1
        raise error

    done = []
    with qtbot.waitSignal(notifications.posted) as posted:
        jobs.start("fail", work, on_done=lambda: done.append(1))
    assert posted.args[0].kind is Kind.ERROR
    assert str(error) in posted.args[0].text
    assert bool(posted.args[0].details) == (not isinstance(error, ImageError))
    assert not done
    assert not jobs.running


def test_a_cancelled_job_ends_at_its_next_event_and_closes_its_work(jobs: Jobs, qtbot: QtBot):
    closed = threading.Event()

    def work() -> Iterator[int]:
        try:
            yield from until(threading.Event())
        finally:
            closed.set()

    done = []
    job = jobs.start("endless", work, on_done=lambda: done.append(1))
    with qtbot.waitSignal(job.advanced):
        pass
    with qtbot.waitSignal(job.cancelled):
        job.cancel()
    assert closed.is_set()
    assert not done


def test_the_device_has_one_job_at_a_time(jobs: Jobs, qtbot: QtBot):
    first = jobs.start("Auto-labelling", lambda: until(threading.Event()), device=True)
    with pytest.raises(BusyError, match="Auto-labelling is still running"):
        jobs.start("again", lambda: until(threading.Event()), device=True)
    with qtbot.waitSignal(first.cancelled):
        first.cancel()
    with qtbot.waitSignal(jobs.start("again", lambda: iter([1]), device=True).finished):
        pass


def test_closing_ends_all_threads(qtbot: QtBot):
    jobs = Jobs(Notifications())
    for number in range(3):
        jobs.start(str(number), lambda: until(threading.Event()))
    jobs.stop_all()
    assert not [thread for thread in threading.enumerate() if thread.name in "012"]
