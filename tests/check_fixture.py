"""The conformance suite over a backend of the tests, and what it says is wrong."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from agent.backend_check import check_backend
from memory_backends.conformance import Finding, Result

ROOT = Path(__file__).parent.parent


def results(name: str, seconds: float = 30.0, processes: bool = False) -> list[Result]:
    """Return the results of all checks."""
    return list(check_backend(name, seconds=seconds, processes=processes))


def errors(found: Sequence[Result]) -> list[tuple[str, Finding]]:
    """Return all errors, each with the check that found it."""
    return [(r.check, f) for r in found for f in r.findings if f.severity == "error"]


def problems(found: Sequence[Result]) -> list[tuple[str, str]]:
    """Return (check, problem) of all errors."""
    return [(check, finding.problem) for check, finding in errors(found)]


def environment() -> dict[str, str]:
    """Return an environment in which memtune is found, and its plugin only where it is named."""
    # The entry point would register the plugin a second time, where it is installed.
    return {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": f"{ROOT}{os.pathsep}."}  # fmt: skip
