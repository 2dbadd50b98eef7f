"""The one door to the user for errors and news: what happened, to which file, what to do next."""

import logging
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType

from PySide6.QtCore import QObject, Signal

from detector.errors import StudioError

log = logging.getLogger("efficientdet-studio")


class Kind(StrEnum):
    """How grave a notice is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Notice:
    """One sentence in plain text; `details` are for the curious; a button called `action` runs `run`, and a second one,
    `other`, runs `run_other`.
    """

    kind: Kind
    text: str
    details: str = ""
    action: str = ""
    run: Callable[[], None] | None = None
    other: str = ""
    run_other: Callable[[], None] | None = None


class Notifications(QObject):
    """Whoever has something to say calls this; the window shows what is `posted`, until it is `withdrawn`."""

    posted = Signal(object)
    withdrawn = Signal(str)

    def info(
        self,
        text: str,
        *,
        details: str = "",
        action: str = "",
        run: Callable[[], None] | None = None,
        other: str = "",
        run_other: Callable[[], None] | None = None,
    ) -> None:
        """News, and what can be done about it."""
        self.posted.emit(Notice(Kind.INFO, text, details, action, run, other, run_other))

    def warning(self, text: str, *, details: str = "", action: str = "", run: Callable[[], None] | None = None) -> None:
        """Something the person should know."""
        self.posted.emit(Notice(Kind.WARNING, text, details, action, run))

    def error(self, error: BaseException | str) -> None:
        """What failed. Our own errors say it themselves; of any other the traceback is kept as details."""
        notice = describe(error)
        if notice.details:
            log.error("%s\n%s", notice.text, notice.details)
        self.posted.emit(notice)

    def withdraw(self, text: str) -> None:
        """Take back what is no longer so."""
        self.withdrawn.emit(text)

    def catch_all(self) -> None:
        """From now on errors that nothing handled come here instead of vanishing on a console nobody sees."""

        def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            if issubclass(kind, KeyboardInterrupt):
                sys.__excepthook__(kind, error, trace)
            else:
                self.error(error)

        sys.excepthook = hook


def describe(error: BaseException | str) -> Notice:
    """The notice for an error."""
    if isinstance(error, str | StudioError):
        return Notice(Kind.ERROR, str(error))
    if isinstance(error, OSError) and error.strerror:
        text = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
        return Notice(Kind.ERROR, f"{text}. Check the place and the space left, then try again.")
    if isinstance(error, MemoryError):
        return Notice(Kind.ERROR, "The memory is full; close other programs, or take a smaller model, and try again.")
    details = "".join(traceback.format_exception(error))
    text = " ".join(str(error).split())[:200] or type(error).__name__
    return Notice(Kind.ERROR, f"This should not happen: {text}. Your labels are safe.", details)
