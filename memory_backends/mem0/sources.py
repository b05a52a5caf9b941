"""Which messages a memory rests on. mem0 does not say; words that they share do."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from traces.domain import Message
from traces.text import stems

# A further message counts as a source when it has this share of what the memory says...
SHARE = 0.25
# ... in at least so many words that no source before it has.
WORDS = 2


def sources_of(text: str, messages: Sequence[Message]) -> list[Message]:
    """Return the messages that a memory was made from, in their order; all where none fits.

    The one that shares the rarest words with it first, then those that account for a good
    part of the rest: a memory may sum up several. Words that all the messages have weigh little.
    """
    held = [{*stems(m.text), *stems(m.speaker)} for m in messages]
    count = Counter(stem for words in held for stem in words)
    weight = {stem: math.log1p(len(messages) / n) for stem, n in count.items()}
    left = {stem for stem in stems(text) if stem in weight}
    whole = sum(weight[stem] for stem in left)
    chosen: set[int] = set()
    while left:
        # Of equals the shorter message, which says little else.
        covered, _, place = max(
            (sum(weight[s] for s in left & words), -len(words), -i) for i, words in enumerate(held)
        )
        words = left & held[-place]
        if chosen and (covered < SHARE * whole or len(words) < WORDS):
            break
        chosen.add(-place)
        left -= words
    return [m for i, m in enumerate(messages) if i in chosen or not chosen]
