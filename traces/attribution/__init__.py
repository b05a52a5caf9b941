"""Which operation caused a wrong answer: methods behind one interface.

`registry.create` makes a method by name. `progress` and `journey` read the same paths
for ranking candidates and for display.
"""
