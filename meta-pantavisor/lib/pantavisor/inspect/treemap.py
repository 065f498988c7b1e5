# SPDX-License-Identifier: MIT
"""Rectangles whose areas are sizes: the squarified treemap of Bruls, Huizing and van Wijk (2000)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float


def squarify(sizes: Sequence[float], box: Box) -> list[Box]:
    """One box for each size, in order, which must be descending and positive;
    together they fill ``box``.
    """
    total = sum(sizes)
    if not sizes or total <= 0:
        return []
    scale = box.width * box.height / total
    areas = [size * scale for size in sizes]
    boxes: list[Box] = []
    start = 0
    while start < len(areas):
        end = _row_end(areas, start, min(box.width, box.height))
        row = areas[start:end]
        placed, box = _lay(row, box)
        boxes += placed
        start = end
    return boxes


def _row_end(areas: Sequence[float], start: int, side: float) -> int:
    """The end of the row that begins at ``start`` and has boxes as square as can be."""
    end, best = start + 1, _worst(areas[start : start + 1], side)
    while end < len(areas):
        worst = _worst(areas[start : end + 1], side)
        if worst > best:
            break
        best, end = worst, end + 1
    return end


def _worst(row: Sequence[float], side: float) -> float:
    total = sum(row)
    if side <= 0 or total <= 0:
        return float("inf")
    return max(side * side * row[0] / (total * total), total * total / (side * side * row[-1]))


def _lay(row: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """Boxes along the shorter side of ``box``, and what is left of it."""
    total = sum(row)
    placed = []
    if box.width >= box.height:
        width = total / box.height if box.height else 0.0
        y = box.y
        for area in row:
            height = area / width if width else 0.0
            placed.append(Box(box.x, y, width, height))
            y += height
        return placed, Box(box.x + width, box.y, max(0.0, box.width - width), box.height)
    height = total / box.width if box.width else 0.0
    x = box.x
    for area in row:
        width = area / height if height else 0.0
        placed.append(Box(x, box.y, width, height))
        x += width
    return placed, Box(box.x, box.y + height, box.width, max(0.0, box.height - height))
