"""Weights come whole and checked or not at all, whatever the other side does."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.errors import DownloadError
from detector.model.download import Fetched, fetch
from detector.model.weights import PublishedWeights
from tests.mirror import CONTENT, Mirror, running_mirror, weights_of

HALF = len(CONTENT) // 2


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_thread_stays: None) -> Path:
    """The user's cache, empty."""
    for name in ("HOME", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path


@pytest.fixture
def mirror(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    with running_mirror() as made:
        monkeypatch.setenv("EFFICIENTDET_STUDIO_WEIGHTS", f"{made.address}/")
        yield made


@pytest.fixture
def weights() -> PublishedWeights:
    return weights_of()


def part(weights: PublishedWeights) -> Path:
    return weights.path.with_name(f"{weights.file}.part")


def visible(weights: PublishedWeights) -> list[str]:
    """The files in the folder of weights, but for the mark of who fetches."""
    return sorted(path.name for path in weights.path.parent.iterdir() if not path.name.startswith("."))


def test_a_file_comes_into_the_cache_and_is_fetched_once(mirror: Mirror, weights: PublishedWeights, cache: Path):
    events = list(fetch(weights))
    assert weights.path.read_bytes() == CONTENT
    assert weights.path.is_relative_to(cache)
    assert events[0] == Fetched(0, len(CONTENT))
    assert events[-1] == Fetched(len(CONTENT), len(CONTENT))
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert visible(weights) == [weights.file]
    assert list(fetch(weights)) == []
    assert mirror.asked == [0]


def test_what_breaks_off_is_gone_on_with(mirror: Mirror, weights: PublishedWeights):
    mirror.cuts = [HALF, 1000]
    list(fetch(weights))
    assert weights.path.read_bytes() == CONTENT
    assert mirror.asked == [0, HALF, HALF + 1000]


def test_a_server_without_ranges_sends_all_of_it_again(mirror: Mirror, weights: PublishedWeights):
    mirror.cuts, mirror.ranges = [HALF], False
    events = list(fetch(weights))
    assert weights.path.read_bytes() == CONTENT
    assert mirror.asked == [0, HALF]
    assert events[-1] == Fetched(len(CONTENT), len(CONTENT))


def test_a_broken_line_is_given_up_with_what_has_come(mirror: Mirror, weights: PublishedWeights):
    mirror.cuts = [HALF, 0]
    with pytest.raises(DownloadError, match=rf"broke after {HALF:,} of {len(CONTENT):,} bytes\): try again"):
        list(fetch(weights))
    assert visible(weights) == [part(weights).name]
    list(fetch(weights))
    assert mirror.asked == [0, HALF, HALF]
    assert weights.path.read_bytes() == CONTENT


def test_a_line_that_breaks_all_the_time_ends(mirror: Mirror, weights: PublishedWeights):
    mirror.cuts = [10] * 1000
    with pytest.raises(DownloadError, match="try again"):
        list(fetch(weights))
    assert len(mirror.asked) < 20


def test_closing_keeps_the_part_and_the_next_one_goes_on(mirror: Mirror, weights: PublishedWeights):
    mirror.silent_after = HALF
    events = fetch(weights)
    while next(events).done < HALF:
        pass
    began = time.monotonic()
    events.close()
    assert time.monotonic() - began < 1
    assert part(weights).read_bytes() == CONTENT[:HALF]
    assert not weights.path.exists()
    mirror.silent_after = None
    mirror.spoken.set()
    list(fetch(weights))
    assert mirror.asked == [0, HALF]
    assert weights.path.read_bytes() == CONTENT


def test_a_silent_server_is_told_about_and_can_be_left_at_once(mirror: Mirror, weights: PublishedWeights):
    mirror.silent_after = 0
    events = fetch(weights)
    assert [next(events).done for _ in range(4)] == [0] * 4  # says that it lives although nothing comes
    began = time.monotonic()
    events.close()
    assert time.monotonic() - began < 1


def test_a_server_that_stays_silent_counts_as_gone(mirror: Mirror, weights: PublishedWeights):
    mirror.silent_after = HALF
    with pytest.raises(DownloadError, match="timed out"):
        list(fetch(weights, patience=0.5))
    assert part(weights).stat().st_size == HALF


def test_a_slow_server_is_waited_for(mirror: Mirror, weights: PublishedWeights):
    mirror.silent_after = HALF
    events = fetch(weights)
    while next(events).done < HALF:
        pass
    assert [next(events).done for _ in range(3)] == [HALF] * 3
    mirror.silent_after = None
    mirror.spoken.set()
    assert list(events)[-1].done == len(CONTENT)


def test_wrong_bytes_are_thrown_away(mirror: Mirror, weights: PublishedWeights):
    mirror.content = CONTENT[:-1] + b"?"
    with pytest.raises(DownloadError, match=f"{weights.file} sends is not this file"):
        list(fetch(weights))
    assert visible(weights) == []
    mirror.content = CONTENT
    list(fetch(weights))
    assert weights.path.read_bytes() == CONTENT


def test_a_part_of_something_else_is_fetched_anew(mirror: Mirror, weights: PublishedWeights):
    list(fetch(weights))
    weights.path.unlink()
    part(weights).write_bytes(b"?" * HALF)
    list(fetch(weights))
    assert mirror.asked == [0, HALF, 0]
    assert weights.path.read_bytes() == CONTENT


@pytest.mark.parametrize("extra", [0, 1])
def test_a_part_that_cannot_be_gone_on_with(extra: int, mirror: Mirror, weights: PublishedWeights):
    weights.path.parent.mkdir(parents=True)
    part(weights).write_bytes(b"?" * (len(CONTENT) + extra))
    list(fetch(weights))
    assert mirror.asked == [len(CONTENT) + extra, 0]
    assert weights.path.read_bytes() == CONTENT


def test_a_whole_part_needs_no_server(weights: PublishedWeights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("EFFICIENTDET_STUDIO_WEIGHTS", str(tmp_path))
    part(weights).write_bytes(CONTENT)
    assert list(fetch(weights)) == []
    assert visible(weights) == [weights.file]


def test_a_server_that_sends_another_part_is_not_believed(mirror: Mirror, weights: PublishedWeights):
    mirror.cuts, mirror.shift = [HALF], 7
    list(fetch(weights))
    assert weights.path.read_bytes() == CONTENT
    assert mirror.asked == [0, HALF, 0]


def test_a_length_that_is_not_said(mirror: Mirror, weights: PublishedWeights):
    mirror.says_length = False
    assert {event.total for event in fetch(weights)} == {None}
    assert weights.path.read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "said"), [(404, "says 404 Not Found"), (500, "says 500")])
def test_a_refusal_is_told_with_the_way_out(status: int, said: str, mirror: Mirror, weights: PublishedWeights):
    mirror.status = status
    with pytest.raises(DownloadError, match=said) as caught:
        list(fetch(weights))
    message = str(caught.value)
    assert "\n" not in message
    for wanted in (f"{weights.file} from {mirror.address}/{weights.file}", str(weights.path.parent), "D0"):
        assert wanted in message
    assert mirror.asked == [0]


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/x", "http://", "http://a..b/", "http://a b/"])
def test_no_network_is_told_with_the_way_out(address: str, weights: PublishedWeights, monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("EFFICIENTDET_STUDIO_WEIGHTS", address.format(port=free.getsockname()[1]))
        began = time.monotonic()
        with pytest.raises(DownloadError, match=rf"D0 could not be fetched \(.+\): try again, or put {weights.file}"):
            list(fetch(weights))
        assert time.monotonic() - began < 5


def test_two_do_not_fetch_the_same_file(mirror: Mirror, weights: PublishedWeights):
    mirror.silent_after = 0
    first = fetch(weights)
    next(first)
    with pytest.raises(DownloadError, match=f"{weights.file} is being fetched already"):
        list(fetch(weights))
    first.close()


def test_a_damaged_file_is_not_overwritten(mirror: Mirror, weights: PublishedWeights):
    weights.path.parent.mkdir(parents=True)
    weights.path.write_bytes(b"mine")
    with pytest.raises(DownloadError, match=f"{weights.file} is damaged, .* remove it and try again"):
        list(fetch(weights))
    assert weights.path.read_bytes() == b"mine"
    assert mirror.asked == []


def test_a_folder_that_cannot_be_written_to(weights: PublishedWeights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EFFICIENTDET_STUDIO_WEIGHTS", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match=f"{weights.file} cannot be written .*EFFICIENTDET_STUDIO_WEIGHTS"):
        list(fetch(weights))
