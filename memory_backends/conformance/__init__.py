"""The conformance suite: does a memory backend keep its contract, and if not, how to mend it?

    subject = Subject("mine", lambda: create_backend("my_module:Mine"))
    for result in check(subject): ...

Nothing is installed or written; what needs a model is handed in (`Subject.bind`). The caller
owns budget and process.
"""

from memory_backends.conformance.finding import Finding, Result
from memory_backends.conformance.subject import Subject
from memory_backends.conformance.suite import CHECKS, check

__all__ = ["CHECKS", "Finding", "Result", "Subject", "check"]
