"""Signed distances of simple outlines (negative inside), and the heights that go with them, in part units."""

from collections.abc import Sequence

import numpy as np

from detector.data.workbench.surfaces import Grid

APOTHEM = float(np.sqrt(0.75))  # of a hexagon whose corners lie on the unit circle
Point = tuple[float, float]


def disc(x: Grid, y: Grid, radius: float, centre: Point = (0, 0)) -> Grid:
    """A full circle."""
    return np.hypot(x - centre[0], y - centre[1]) - radius


def bar(x: Grid, y: Grid, half: Point, corner: float = 0.0) -> Grid:
    """An upright rectangle about the origin with rounded corners."""
    across, along = np.abs(x) - (half[0] - corner), np.abs(y) - (half[1] - corner)
    outside = np.hypot(np.maximum(across, 0), np.maximum(along, 0))
    return outside + np.minimum(np.maximum(across, along), 0) - corner


def path(x: Grid, y: Grid, points: Sequence[Point]) -> Grid:
    """The distance, never negative, to the line through `points`."""
    nearest = np.full_like(x, np.inf)
    corners = np.asarray(points, np.float32)
    for (left, top), (across, down) in zip(corners[:-1].tolist(), np.diff(corners, axis=0).tolist(), strict=True):
        dx, dy = x - left, y - top
        along = np.clip((dx * across + dy * down) / (across**2 + down**2), 0, 1)
        nearest = np.minimum(nearest, np.square(dx - along * across) + np.square(dy - along * down))
    return np.sqrt(nearest)


def arc(centre: Point, radius: float, start: float, turn: float) -> list[Point]:
    """Points on a circle from the angle `start` on, through `turn` radians."""
    angles = start + np.linspace(0, turn, max(3, round(abs(turn) * 3)))
    rows = np.column_stack([centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)])
    return [(float(x), float(y)) for x, y in rows]


def hexagon(x: Grid, y: Grid, apothem: float) -> Grid:
    """A hexagon with corners on the x axis."""
    slanted = np.maximum(np.abs(APOTHEM * x + 0.5 * y), np.abs(APOTHEM * x - 0.5 * y))
    return np.maximum(np.abs(y), slanted) - apothem


def folded(x: Grid, y: Grid, count: int) -> Grid:
    """The angle from the nearest of `count` evenly spaced rays, in radians."""
    angle = np.arctan2(y, x) * (count / (2 * np.pi))
    return (angle - np.rint(angle)) * (2 * np.pi / count)


def bevel(distance: Grid, width: float, drop: float) -> Grid:
    """The loss of height near an outline: a round edge of that width and drop."""
    return -drop * np.square(np.clip(1 + distance / width, 0, 1))


def round_bar(y: Grid, radius: Grid | float) -> Grid:
    """The upper side of a lying round bar."""
    return np.sqrt(np.maximum(np.square(radius) - y * y, 0))


def hexagon_bar(y: Grid, corner: float, roll: float) -> tuple[Grid, Grid]:
    """Half width and upper side of a lying hexagonal bar, rolled about its axis by `roll` radians."""
    corners = np.abs(np.cos(roll + (np.arange(6) + 0.5) * np.pi / 3))
    height = np.full_like(y, corner)
    for angle in roll + np.arange(6) * np.pi / 3:
        if np.sin(angle) > 0.05:
            height = np.minimum(height, (corner * APOTHEM - y * float(np.cos(angle))) / float(np.sin(angle)))
    return np.full_like(y, corner * corners.max()), np.maximum(height, 0)
