"""A run's report: built from plain data, rendered as Markdown and JSON."""

from evals.report.build import build_report
from evals.report.markdown import render_markdown

__all__ = ["build_report", "render_markdown"]
