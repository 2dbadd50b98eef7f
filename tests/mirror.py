"""A mirror of published weights on this machine that can be told to be slow, to break off, or to send what is wrong."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from detector.model.weights import PublishedWeights

CONTENT = bytes(range(256)) * 1280
PIECE = 4096  # bytes that a slow mirror sends at a time


def weights_of(content: bytes = CONTENT, name: str = "d0") -> PublishedWeights:
    """Published weights whose file would have this content."""
    return PublishedWeights(name, f"tf_efficientdet_{name}-{hashlib.sha256(content).hexdigest()[:8]}.pth", 1, 30.0)


@dataclass
class Mirror:
    """What the mirror does, and what it was asked: the byte that each request began at.

    cuts: bytes of the body after which the first, second, … answer breaks off. silent_after: the byte of the file from
    which on it says nothing more until `spoken` is set.
    """

    address: str = ""
    content: bytes = CONTENT
    ranges: bool = True
    says_length: bool = True
    status: int = 200
    shift: int = 0  # of the part it sends, against the one asked for
    cuts: list[int] = field(default_factory=list)
    silent_after: int | None = None
    spoken: threading.Event = field(default_factory=threading.Event)
    asked: list[int] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    mirror: Mirror

    def do_GET(self) -> None:
        mirror = self.mirror
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        asked = int(wanted[1]) if wanted else 0
        mirror.asked.append(asked)
        size = len(mirror.content)
        start = asked + mirror.shift if wanted and mirror.ranges else 0
        if mirror.status != 200:
            self.send_error(mirror.status)
        elif start >= size:
            self.send_error(416)
        else:
            self.send_response(206 if start or (wanted and mirror.ranges) else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            if mirror.says_length:
                self.send_header("Content-Length", str(size - start))
            self.end_headers()
            self._send(start)

    def _send(self, start: int) -> None:
        mirror = self.mirror
        end = start + mirror.cuts.pop(0) if mirror.cuts else len(mirror.content)
        for place in range(start, end, PIECE):
            if mirror.silent_after is not None and place >= mirror.silent_after:
                mirror.spoken.wait(300)
            try:
                self.wfile.write(mirror.content[place : min(place + PIECE, end)])
            except OSError:  # whoever asked has gone
                return

    def log_message(self, format: str, *args: object) -> None:
        """The tests' output is not the place."""


@contextmanager
def running_mirror() -> Iterator[Mirror]:
    """A mirror that answers while the block runs."""
    mirror = Mirror()
    handler = type("Handler", (_Handler,), {"mirror": mirror})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    mirror.address = f"http://127.0.0.1:{server.server_port}/weights"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield mirror
    finally:
        mirror.spoken.set()
        server.shutdown()
        server.server_close()
        thread.join()
