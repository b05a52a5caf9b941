"""Attribution proved by replay: repair the suspected operation, re-run what is downstream.

`method` is the `Attribute`; `search` finds the smallest set of repairs that rescues the
answer; `ideal` makes repairs, `legality` refuses those that use what the operation was not
given; `entailment` and `triage` settle what no repair of memory explains.
"""
