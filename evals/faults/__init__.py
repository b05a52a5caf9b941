"""Failures with known causes: faults planted into the operations of any backend.

`kinds` corrupts the output of one operation; `matrix` says which sub-types are legal for
which operation kind; `planting` keeps the faults that turn a right answer wrong and finds
the smallest sets whose removal restores it; `cases` is what an attribution method is given
and measured by.
"""
