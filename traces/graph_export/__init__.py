"""Evolution graphs for other programs: W3C PROV-JSON and GraphML.

Both are written as they are read, a node or a relation at a time: what is held in
memory is one pass. Texts are written as they are, but for what JSON or XML cannot carry.
"""

from traces.graph_export.graphml import write_graphml
from traces.graph_export.part import Agent, Origin, Part, question_slice
from traces.graph_export.prov_json import write_prov, write_prov_slice

__all__ = [
    "Agent", "Origin", "Part", "question_slice", "write_graphml", "write_prov", "write_prov_slice",
]  # fmt: skip
