"""Failures with known causes: faults planted into the operations of any backend.

`matrix` says which errors are legal for which kind of operation; `kinds` proposes faults for
each at a `site` (one question's path through a clean pass), with other `values` that could as
well have been said; `planting` keeps those that turn a right answer wrong, with the smallest
sets whose removal restores it; `harmless` has what memory is not to blame for; `cases` is what
an attribution method is given and measured by. Running is handed in: nothing here asks a model.
"""
