"""Loading what takes long in a worker of a window that goes on."""

import ctypes
import os
import sys
from collections.abc import Callable, Generator, Iterator
from collections.abc import Set as AbstractSet
from concurrent.futures import ALL_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

_LIBRARIES = ("torch_global_deps", "c10", "torch_cpu", "torch_cuda", "torch")  # in the order in which torch loads them
TICK = 0.1  # seconds
T = TypeVar("T")


def pausing(load: Callable[[], T]) -> Generator[None, None, T]:
    """What `load` gives, after yields ten times a second. It runs in a thread of its own, which closing the generator
    leaves alone: nothing ends a library that reads a large model.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="load")
    loading = thread.submit(load)
    thread.shutdown(wait=False)
    yield from pauses({loading})
    return loading.result()


def load_torch() -> None:
    """Loads torch so that other threads need not wait for it.

    An import alone holds Python's lock for half a second while the system reads the libraries. Does nothing where torch
    is loaded.
    """
    if "torch" not in sys.modules:
        _load_libraries()
        import_module("torch")


def _load_libraries() -> None:
    """Has the system read torch's libraries through a foreign call, during which Python's lock is free.

    A library that is not there, or needs others first, is left to torch. On Windows torch itself does it this way.
    """
    spec = find_spec("torch")
    if sys.platform == "win32" or spec is None or spec.origin is None:
        return
    load = ctypes.CDLL(None).dlopen
    load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    ending = "dylib" if sys.platform == "darwin" else "so"
    for name in _LIBRARIES:
        visibility = os.RTLD_GLOBAL if name == "torch_global_deps" else os.RTLD_LOCAL
        path = Path(spec.origin).with_name("lib") / f"lib{name}.{ending}"
        if path.exists():
            load(os.fsencode(path), os.RTLD_NOW | visibility)


def pauses(futures: AbstractSet[Future[Any]], *, until: str = ALL_COMPLETED) -> Iterator[None]:
    """Nothing, ten times a second, until all of them are over, or the first."""
    enough = len(futures) if until == ALL_COMPLETED else 1
    while len(wait(futures, timeout=TICK, return_when=until).done) < enough:
        yield
