"""The judge's instruction: the shipped one, or a file of the user's own.

A file of one's own replaces judge.md whole. The model is given the fields `question`,
`gold_answer` and `prediction` and must return `correct` and `reason`; that form is added
to the instruction. Such a prompt decides alone: no free match of words goes before it,
since it may call wrong what has the gold answer's words, or right what abstains. Where it
does not, the file may begin with

    ---
    free_match: on
    ---

which saves the calls that a match of words can do without. An empty prediction is wrong
without a call in any case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from traces.errors import SettingsError
from traces.hashing import content_hash

# It goes with every verdict; a longer file is the wrong file.
LONGEST_PROMPT = 100_000
_HEADER = re.compile(r"---[ \t]*\n((?:[A-Za-z_]+[ \t]*:.*\n)*)---[ \t]*(?:\n|$)")


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """An instruction, and whether answers that need no model are decided without it."""

    text: str
    free_match: bool = True

    @property
    def hash(self) -> str:
        """Return the hash of all that a verdict depends on here (32 hex digits)."""
        return content_hash([self.text, self.free_match])


@cache
def shipped_prompt(name: str = "judge") -> JudgePrompt:
    """Return `<name>.md` of this package."""
    return JudgePrompt(Path(__file__).with_name(f"{name}.md").read_text(encoding="utf-8").strip())


def read_judge_prompt(path: Path) -> JudgePrompt:
    """Return the instruction in a UTF-8 file.

    Raises SettingsError for a file that is missing, empty, too long, not UTF-8, or whose
    header says what is not understood.
    """
    where = f"--judge-prompt {path}"
    try:
        if path.exists() and not path.is_file():
            raise SettingsError(f"{where}: is no file; give a Markdown file")
        with path.open("rb") as file:
            text = file.read(4 * LONGEST_PROMPT + 4).decode("utf-8-sig", errors="strict")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{where}: is not UTF-8; save it as UTF-8 text") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"{where}: cannot be read ({reason}); give a Markdown file") from error
    if "\x00" in text:
        raise SettingsError(f"{where}: holds NUL characters; save it as UTF-8 text")
    text = text.replace("\r\n", "\n").strip()
    header = _HEADER.match(text)
    free_match = False
    if header is not None:
        free_match = _free_match(header[1], where)
        text = text[header.end() :].strip()
    if not text:
        raise SettingsError(f"{where}: is empty; write what makes an answer right")
    if len(text) > LONGEST_PROMPT:
        raise SettingsError(
            f"{where}: has {len(text):,} characters; shorten it to at most {LONGEST_PROMPT:,}"
        )
    return JudgePrompt(text, free_match)


def _free_match(header: str, where: str) -> bool:
    found = False
    for line in header.splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if key != "free_match" or value not in ("on", "off"):
            raise SettingsError(
                f"{where}: its header says '{' '.join(line.split())[:60]}'; it may only say "
                "'free_match: on' or 'free_match: off'"
            )
        found = value == "on"
    return found
