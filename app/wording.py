"""How numbers and other people's words are put before a person."""

import html


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: "1 box", "1,204 boxes"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def tooltip(text: str) -> str:
    """A file's, class's or model's name as a tooltip that shows it letter by letter, whatever tags it holds.

    The outer tag makes Qt read the escapes: without one it guesses that the text is plain and shows "&lt;".
    """
    return f"<span>{html.escape(text)}</span>"


def duration(seconds: float) -> str:
    """Time that work takes, as roughly as one would say it: "8 s", "1 min 8 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
