"""What a download says of itself. Downloads as a person starts them are in tests/journeys/test_weights.py."""

from app.background.weights_download import Pace
from detector.model.download import Fetched

MB = 1_000_000


def test_a_download_tells_how_far_how_fast_and_how_long_still():
    pace = Pace("D4")
    assert pace.tell(Fetched(0, None), 10.0) == ("Fetching D4 · 0 MB", None)
    assert pace.tell(Fetched(0, 84 * MB), 10.5) == ("Fetching D4 · 0 of 84 MB", 0.0)
    text, share = pace.tell(Fetched(12 * MB, 84 * MB), 14.0)
    assert text == "Fetching D4 · 12 of 84 MB · 3.0 MB/s · 24 s left"
    assert share == 12 / 84
    assert pace.tell(Fetched(12 * MB, None), 14.0)[0] == "Fetching D4 · 12 MB · 3.0 MB/s"


def test_what_was_here_before_is_not_counted_as_fast():
    pace = Pace("D4")
    pace.tell(Fetched(40 * MB, 84 * MB), 0.0)
    assert pace.tell(Fetched(44 * MB, 84 * MB), 4.0)[0] == "Fetching D4 · 44 of 84 MB · 1.0 MB/s · 40 s left"


def test_a_file_that_comes_anew_begins_anew():
    pace = Pace("D4")
    pace.tell(Fetched(40 * MB, 84 * MB), 0.0)
    pace.tell(Fetched(0, 84 * MB), 4.0)
    assert pace.tell(Fetched(4 * MB, 84 * MB), 8.0)[0] == "Fetching D4 · 4 of 84 MB · 1.0 MB/s · 1 min 20 s left"
