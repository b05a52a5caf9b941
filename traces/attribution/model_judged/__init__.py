"""Attribution by a language model that reads the operations: the baseline.

`whole_log` shows it everything at once (MemTrace's flat variant), `stepwise` lets it walk the
graph with a frontier (MemTrace). Nothing is replayed: the model imagines what would have
happened, so what it names is suspected and never certified.
"""

from traces.attribution.model_judged.method import ModelJudged

__all__ = ["ModelJudged"]
