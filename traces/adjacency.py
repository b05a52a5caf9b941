"""Who stands next to whom in a directed graph of numbered nodes.

In a large graph a node's neighbours lie side by side in one flat array (4 bytes an edge and a
node), so that a walk over a small part of it touches little memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# Up to so many edges each node has a list of its own: faster, for ten times the memory.
LISTED = 100_000


class Adjacency:
    """The neighbours of nodes 0..nodes-1 along edges that all point the same way.

    `froms` and `tos` are the ends of the edges (C ints, the same length); an edge that is
    given twice counts once. `of` returns a node's neighbours, by ascending number.
    """

    __slots__ = ("of",)

    def __init__(self, nodes: int, froms: array[int], tos: array[int]) -> None:
        # Both ends in one integer: sorting groups the edges of a node and finds repeats.
        edges: NDArray[np.int64] = np.array(froms, dtype=np.int64) << 32
        edges |= np.array(tos, dtype=np.int64)
        edges.sort()
        edges = edges[np.diff(edges, prepend=-1) != 0]
        begins = np.zeros(nodes + 1, dtype=np.int32)
        np.cumsum(np.bincount(edges >> 32, minlength=nodes), out=begins[1:])
        neighbours = (edges & 0xFFFFFFFF).astype(np.int32)
        self.of = _listed(begins, neighbours) if len(edges) <= LISTED else _flat(begins, neighbours)

    def reach(self, numbers: Iterable[int]) -> tuple[set[int], int]:
        """Return these nodes with all that can be reached from them, and how many edges were
        visited. Every node is visited once: the time is that of what is found, whatever the
        size of the graph."""
        neighbours_of = self.of
        seen = set(numbers)
        stack = list(seen)
        edges = 0
        while stack:
            neighbours = neighbours_of(stack.pop())
            edges += len(neighbours)
            for other in neighbours:
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
        return seen, edges


Neighbours = Callable[[int], Sequence[int]]


def _listed(begins: NDArray[np.int32], neighbours: NDArray[np.int32]) -> Neighbours:
    bounds, numbers = begins.tolist(), neighbours.tolist()
    return [numbers[begin:end] for begin, end in pairwise(bounds)].__getitem__


def _flat(begins: NDArray[np.int32], neighbours: NDArray[np.int32]) -> Neighbours:
    bounds, numbers = (array("i", a.tobytes()) for a in (begins, neighbours))
    return lambda number: numbers[bounds[number] : bounds[number + 1]]
