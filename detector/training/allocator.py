"""How the C library hands out the memory that large feature maps take."""

import ctypes
import platform
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
LARGE = 2**30


def keep_pages() -> None:
    """Let this process keep freed memory for its next maps.

    By default glibc takes every large map's pages from the system anew, which clears them first, and gives them back,
    thousands of times a step. Does nothing where the C library is another.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    for what in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
        mallopt(what, LARGE)
