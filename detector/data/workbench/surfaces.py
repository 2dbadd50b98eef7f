"""How a shape on the bench looks to the camera: coverage, surface normals, occlusion.

A flat part is a stack of layers, each an outline pulled up to a height: a leaning camera sees its walls and looks
through its hole. A lying part is one height field. Both are functions of points in units of the part's radius.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grid = NDArray[Any]  # float32; OpenCV's stubs know no narrower type
Relief = Callable[[Grid, Grid], tuple[Grid, Grid]]
"""(x, y) in part units → (signed distance to the outline, negative inside; height over the layer's top)."""


@dataclass(frozen=True)
class Layer:
    """One storey of a part, in part units: relief, top above the bench, radius within which the walls are threaded."""

    relief: Relief
    top: float
    threaded: float = 0


@dataclass(frozen=True)
class Shape:
    """A part in its own units: half length and half width, its layers from the bench upwards, and how high it stands.

    A lying shape has one layer with top 0: the height field is the whole body.
    """

    reach: tuple[float, float]
    layers: tuple[Layer, ...]
    height: float


@dataclass(frozen=True)
class Pose:
    """Where a part lies: centre in picture pixels, pixels per part unit, angle on the bench in radians.

    `lean` is the horizontal part of the unit vector towards the camera; (0, 0) looks straight down.
    """

    centre: tuple[float, float]
    scale: float
    angle: float
    lean: tuple[float, float]


@dataclass(frozen=True)
class Surface:
    """What the camera sees of a part: a patch whose left top pixel is (x, y) of the picture; it may stick out of it.

    alpha (h, w): coverage 0..1. normals (h, w, 3): unit vectors, z towards the ceiling. occlusion (h, w): the share of
    the light that reaches the point. height: how far the part stands above the bench, in pixels.
    """

    x: int
    y: int
    alpha: Grid
    normals: Grid
    occlusion: Grid
    height: float


def look(shape: Shape, pose: Pose) -> Surface:
    """The shape in that pose as the camera sees it."""
    patch = _Patch(shape, pose)
    bottom = 0.0
    for layer in shape.layers:
        patch.paint(layer, bottom)
        bottom = layer.top
    return Surface(patch.x, patch.y, patch.alpha, _unit(patch.normals), patch.occlusion, shape.height * pose.scale)


class _Patch:
    """The growing picture of one part: the bench point (u, v) of each pixel, and what has been painted so far."""

    def __init__(self, shape: Shape, pose: Pose) -> None:
        tallest = shape.layers[-1].top
        sine = float(np.hypot(*pose.lean)) if tallest else 0.0  # a lying part has no walls: seen from above
        towards = np.array(pose.lean) / sine if sine > 1e-6 else np.zeros(2)
        # The camera's lean squeezes the bench along `towards`; this symmetric matrix does so.
        squeeze = np.eye(2) - (1 - np.sqrt(1 - sine**2)) * np.outer(towards, towards)
        cosine, sine_angle = np.cos(pose.angle), np.sin(pose.angle)
        turn = np.array([[cosine, sine_angle], [-sine_angle, cosine]])
        half = pose.scale * (np.abs(turn.T) @ shape.reach) + tallest * pose.scale * sine + 3
        low, high = np.floor(pose.centre - half).astype(int), np.ceil(pose.centre + half).astype(int)
        columns = np.arange(low[0], high[0]) - pose.centre[0]
        rows = np.arange(low[1], high[1])[:, None] - pose.centre[1]
        to_part = turn @ np.linalg.inv(squeeze) / pose.scale
        self.x, self.y = int(low[0]), int(low[1])
        self.u, self.v = (((row[0] * columns) + row[1] * rows).astype(np.float32) for row in to_part)
        self.scale, self.up, self.squeeze = float(pose.scale), -towards * sine, squeeze.astype(np.float32)
        self.alpha: Grid = np.zeros(self.u.shape, np.float32)
        self.normals: Grid = np.zeros((*self.u.shape, 3), np.float32)
        self.occlusion: Grid = np.ones(self.u.shape, np.float32)

    def paint(self, layer: Layer, bottom: float) -> None:
        """Walls from `bottom` to the layer's top, then the layer's upper face over them."""
        distance, height = (np.float32(self.scale) * field.astype(np.float32) for field in layer.relief(self.u, self.v))
        outward = _gradient(distance)
        steepness = np.clip(np.sqrt(np.einsum("...i,...i", outward, outward)), 0.4, 1.6)
        coverage = np.clip(0.5 - distance / steepness, 0, 1)
        steps = int(np.ceil(np.hypot(*self.up) * (layer.top - bottom) * self.scale))
        if steps:
            rim = np.nonzero((coverage > 0) & (distance > -2.5 * steepness))  # the rest ends up under the face
            threaded = np.hypot(self.u[rim], self.v[rim]) < layer.threaded
            edge = np.column_stack([_unit(outward[rim] @ self.squeeze), threaded, coverage[rim]])
            for step in range(steps):
                self._paint_wall(rim, edge, bottom + step / steps * (layer.top - bottom), step / steps)
        slope = _gradient(height) @ self.squeeze
        normals = _unit(np.dstack([-slope, np.ones_like(distance)]))
        self._paint_face(np.dstack([normals, coverage]), layer.top)

    def _paint_face(self, face: Grid, height: float) -> None:
        """The upper side of a layer: `face` (h, w, 4) holds normals and coverage."""
        x, y = self._lift(height)
        matrix = np.array([[1.0, 0, x], [0, 1, y]])
        face = cv2.warpAffine(face, matrix, face.shape[1::-1], flags=cv2.INTER_NEAREST)
        cover = face[..., 3]
        self.normals += cover[..., None] * (face[..., :3] - self.normals)
        self.occlusion += cover * (1 - self.occlusion)
        self.alpha = np.maximum(self.alpha, cover)

    def _paint_wall(self, rim: tuple[Any, ...], edge: Grid, height: float, share: float) -> None:
        """One line of a wall at the n pixels `rim`: `edge` (n, 4) holds its direction, threaded or not, coverage."""
        x, y = self._lift(height)
        rows, columns, cover = rim[0] + y, rim[1] + x, edge[:, 3]
        self.alpha[rows, columns] = np.maximum(self.alpha[rows, columns], cover)
        seen = cover > 0.5
        rows, columns = rows[seen], columns[seen]
        thread = np.float32(0.8 * np.sin(height * self.scale * 2 * np.pi / max(4.0, 0.16 * self.scale)))
        self.normals[rows, columns] = edge[seen, :3] * np.array([1, 1, thread], np.float32)
        self.occlusion[rows, columns] = 0.45 + 0.5 * share

    def _lift(self, height: float) -> tuple[int, int]:
        """How far a point `height` part units over the bench moves in the picture, in whole pixels (x, y)."""
        x, y = np.rint(self.up * height * self.scale).astype(int).tolist()
        return x, y


def _unit(vectors: Grid) -> Grid:
    return vectors / np.sqrt(np.einsum("...i,...i", vectors, vectors) + np.float32(1e-12))[..., None]


def _gradient(field: Grid) -> Grid:
    """The slope (h, w, 2) of a field (h, w) along x and y, per pixel."""
    along_x = cv2.Sobel(field, cv2.CV_32F, 1, 0, scale=0.125)
    return np.dstack([along_x, cv2.Sobel(field, cv2.CV_32F, 0, 1, scale=0.125)])
