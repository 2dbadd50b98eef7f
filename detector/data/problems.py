"""What is wrong with single entries of label files: told one by one, up to a point, and never a reason to stop."""

from dataclasses import dataclass

LISTED = 10_000  # of one file; what follows is only counted, since a million texts would fill the memory


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry of a label file that was left out, or (`kept`) mended or only odd; `file` is the one it concerns."""

    message: str
    file: str | None = None
    kept: bool = False

    def __str__(self) -> str:
        return f"{self.file}: {self.message}" if self.file else self.message


class Problems:
    """Collects problems while files are read."""

    def __init__(self) -> None:
        self._listed: list[Problem] = []
        self._more = 0

    def add(self, message: str, file: str | None = None, *, line: int | None = None, kept: bool = False) -> None:
        """One more, in a line of the file if it has lines."""
        if len(self._listed) >= LISTED:
            self._more += 1
        else:
            self._listed.append(Problem(message if line is None else f"line {line}: {message}", file, kept))

    def all(self) -> tuple[Problem, ...]:
        """All that are listed, and at the end how many more there were."""
        more = (Problem(f"{self._more:,} more entries have problems"),) if self._more else ()
        return (*self._listed, *more)
