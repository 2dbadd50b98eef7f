"""How far a pass is, in words."""

from app.auto_labelling import FAILURES_NAMED, failure_list, progress_text
from detector.events import ImageFailed


def test_progress_says_how_far_how_fast_and_how_long():
    assert progress_text(412, 3000, 10.84) == "Labelling 412 of 3,000 · 38/s · 1 min 8 s left"
    assert progress_text(3, 12, 2.0) == "Labelling 3 of 12 · 1.5/s · 6 s left"
    assert progress_text(0, 12, 0.0) == "Labelling 0 of 12"


def test_failures_are_named_up_to_a_number():
    failures = [ImageFailed(n, f"{n}.jpg", f"{n}.jpg: damaged.") for n in range(FAILURES_NAMED + 2)]
    assert failure_list(failures[:1]) == "0.jpg: damaged."
    assert failure_list(failures).splitlines()[-2:] == [f"{FAILURES_NAMED - 1}.jpg: damaged.", "… and 2 more"]
