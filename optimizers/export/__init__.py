"""Prompts on their way into production: a directory of plain files."""

from optimizers.export.bundle import Bundle, write_bundle

__all__ = ["Bundle", "write_bundle"]
