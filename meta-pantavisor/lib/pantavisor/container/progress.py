# SPDX-License-Identifier: MIT
"""Progress of long work: the same streams, counted on their way."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, cast

from ..codecs import CHUNK_BYTES
from ..layers import File, Tree
from ..layers.stream import Span
from ..layout.image import LayerBlob
from .model import Progress, ignore_progress


class Counter:
    """Prints ``label`` with the bytes so far; silent once everything was seen, since layers are read a
    second time.
    """

    def __init__(self, label: str, total: int, progress: Progress) -> None:
        self._label = label
        self._total = total
        self._progress = progress
        self._done = 0

    def add(self, count: int) -> None:
        if self._done >= self._total or not count:
            return
        self._done = min(self._done + count, self._total)
        self._progress(self._label, self._done, self._total)


def watch_layers(layers: Sequence[LayerBlob], label: str, progress: Progress) -> tuple[LayerBlob, ...]:
    """The layers, whose packed bytes are counted if anyone wants to know."""
    if progress is ignore_progress:
        return tuple(layers)
    counter = Counter(label, sum(layer.size for layer in layers), progress)
    return tuple(_watched(layer, counter) for layer in layers)


def watch_tree(tree: Tree, label: str, progress: Progress) -> Tree:
    """The tree, whose contents are counted; one that is not loaded is not: its layers are."""
    total = 0 if progress is ignore_progress else sum(file.size for file in tree.files())
    return _WatchedTree(tree, Counter(label, total, progress)) if total else tree


def _watched(layer: LayerBlob, counter: Counter) -> LayerBlob:
    def counted(opener: Callable[[], BinaryIO]) -> Callable[[], BinaryIO]:
        return lambda: cast(BinaryIO, io.BufferedReader(_CountingReader(opener(), counter), CHUNK_BYTES))

    return replace(layer, open=counted(layer.open), stored=counted(layer.open_unverified))


class _CountingReader(io.RawIOBase):
    def __init__(self, stream: BinaryIO, counter: Counter) -> None:
        self._stream = stream
        self._counter = counter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._counter.add(len(data))
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _WatchedTree(Tree):
    def __init__(self, tree: Tree, counter: Counter) -> None:
        super().__init__(tree.root)
        self._tree = tree
        self._counter = counter

    def load(self) -> None:
        self._tree.load()

    def keep(self) -> None:
        self._tree.keep()

    def contents(self) -> Iterator[tuple[File, Iterator[Span]]]:
        for file, spans in self._tree.contents():
            yield file, self._counted(spans)

    def _counted(self, spans: Iterator[Span]) -> Iterator[Span]:
        for chunk, start, end in spans:
            yield chunk, start, end
            self._counter.add(end - start)
