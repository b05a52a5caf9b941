"""Who stands next to whom in a directed graph of numbered nodes, in two flat arrays.

A node's neighbours lie side by side, so that a walk over a small part of a large graph touches
little memory (12 bytes an edge, 4 a node).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np


class Adjacency:
    """The neighbours of nodes 0..nodes-1 along edges that all point the same way.

    `froms` and `tos` are the ends of the edges (C ints, the same length); an edge that is
    given twice counts once. Neighbours are held by ascending number.
    """

    __slots__ = ("_begins", "_neighbours")

    def __init__(self, nodes: int, froms: array[int], tos: array[int]) -> None:
        # Both ends in one integer: sorting groups the edges of a node and finds repeats.
        edges = np.array(froms, dtype=np.int64) << 32
        edges |= np.array(tos, dtype=np.int64)
        edges = np.unique(edges)
        begins = np.zeros(nodes + 1, dtype=np.int32)
        np.cumsum(np.bincount(edges >> 32, minlength=nodes), out=begins[1:])
        # A memoryview hands out Python's own integers, at half of numpy's cost.
        self._begins = begins.data
        self._neighbours = (edges & 0xFFFFFFFF).astype(np.int32).data

    def of(self, number: int) -> list[int]:
        """Return a node's neighbours."""
        return self._neighbours[self._begins[number] : self._begins[number + 1]].tolist()

    def reach(self, numbers: Iterable[int]) -> tuple[set[int], int]:
        """Return these nodes with all that can be reached from them, and how many edges were
        visited. Every node is visited once: the time is that of what is found, whatever the
        size of the graph."""
        begins, neighbours = self._begins, self._neighbours
        seen = set(numbers)
        stack = list(seen)
        edges = 0
        while stack:
            number = stack.pop()
            begin, end = begins[number], begins[number + 1]
            edges += end - begin
            for other in neighbours[begin:end]:
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
        return seen, edges
