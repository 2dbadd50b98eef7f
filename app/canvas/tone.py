"""Brightness and contrast for looking only: a curve that the painted pixels go through, never the data's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 100  # of brightness and of contrast, in either direction
MIDDLE = 127.5


@dataclass(frozen=True, slots=True)
class Tone:
    """How the picture is shown: brightness and contrast, each −100 … 100, 0 as it is."""

    brightness: int = 0
    contrast: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether the picture is shown as it is."""
        return self == PLAIN

    def curve(self) -> NDArray[np.uint8]:
        """The value (256,) that is shown for each value of a channel.

        Brightness bends the curve between black and white, which stay (gamma 4 … ¼, so that shadows open without a
        veil); contrast turns it around the middle, from flat to five times as steep.
        """
        values = np.arange(256) / 255
        bent = values ** (4.0 ** (-self.brightness / MOST))
        slope = 1 + self.contrast / MOST if self.contrast < 0 else 5.0 ** (self.contrast / MOST)
        turned = (bent * 255 - MIDDLE) * slope + MIDDLE
        return np.clip(np.round(turned), 0, 255).astype(np.uint8)

    def words(self) -> str:
        """ "Brightness +20 · Contrast −10", without what is as it is."""
        named = (("Brightness", self.brightness), ("Contrast", self.contrast))
        return " · ".join(f"{name} {signed(value)}" for name, value in named if value)


PLAIN = Tone()


def signed(value: int) -> str:
    """A number with its sign, as it is printed: "+20", "−10", "0"."""
    return f"{'−' if value < 0 else '+'}{abs(value)}" if value else "0"
