"""What all tests share: how many of the slow ones run, where the shared data lies, and how many threads they get."""

import atexit
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# Before anything loads torch, and for the programs that tests start: more threads make small networks slower.
os.environ.setdefault("OMP_NUM_THREADS", str(min(4, os.cpu_count() or 1)))

# What programs keep for later, such as models made ready for ONNX Runtime, is made once and thrown away at the end.
CACHE = Path(tempfile.mkdtemp(prefix="studio-tests-"))
os.environ["XDG_CACHE_HOME"] = str(CACHE)
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)

# How long an example takes says more of what else the machine does than of the code.
hypothesis.settings.register_profile("quick", deadline=None, max_examples=40)
hypothesis.settings.register_profile("thorough", deadline=None)

REPOSITORY = Path(__file__).parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
SAMPLE_ONE_IN = 50


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run all tests marked slow; else CI runs 2%% of them")


def pytest_configure(config: pytest.Config) -> None:
    """Properties are tried on fewer examples, but where time is given."""
    hypothesis.settings.load_profile("thorough" if config.getoption("--slow") else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skips slow tests but for the sample, which is the same in each run: those whose names have the lowest hashes; and
    those for a GPU where there is none.
    """
    of_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if of_gpu and not _has_cuda():
        for item in of_gpu:
            item.add_marker(pytest.mark.skip(reason="needs a GPU that CUDA knows"))
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    slow.sort(key=lambda item: hashlib.blake2b(item.nodeid.encode()).digest())
    sample = len(slow) // SAMPLE_ONE_IN if os.environ.get("CI") == "true" else 0
    for item in slow[sample:]:
        item.add_marker(pytest.mark.skip(reason="slow: runs with --slow, and 2% of these in CI"))


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of photographs and checkpoints beside the repository; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the test data of ../shared/data, which is not here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def graphs() -> Path:
    """Where models are that were made ready for ONNX Runtime, which takes seconds: for homes of tests to link to."""
    folder = CACHE / "efficientdet-studio" / "graphs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def no_thread_stays() -> Iterator[None]:
    """Fails a test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 60
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()]
    assert not left, f"threads left running: {left}"
