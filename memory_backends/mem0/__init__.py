"""The installed mem0 package (mem0ai 2.x) as a memory: its steps run, over parts of memtune's.

    messages ── Memory.add ──> [extract] ──> facts ── [store] ──> entries, put in or
                                                                  Memory.update / Memory.delete
    question ── [search]: Memory.search ──> entries               [...]: an operation

What runs is mem0's own code:

- `add`: the search for what is near the messages, the prompt with the last messages, the
  instructions and all of its rules, and the check by hash for what is held already (or was
  said before in the same reply). The reply that it goes on with is the extraction's output
  written out again; a model's own reply is read as mem0 reads it, with mem0's functions.
- `search`: threshold, over-fetching, keyword scores put between 0 and 1, and their sum with the
  semantic scores.
- `update` and `delete`, where an operation changes or deletes: put in the place of a `store`, or
  with the option `update`. By itself mem0 2.x only adds.

What is replaced, so that equal operations have equal results and every change is an operation's:

- The vector store is memtune's, in memory, and compares texts itself: exact cosines of n-grams or
  of the configured embedder's vectors; words by memtune's BM25, stemmed and without stop words.
  mem0's embedder is asked and says nothing (an empty vector).
- What `add` inserts is noted, not stored: the entry goes in when the `store` operation has put it
  out, with the id, date and speaker of operations, not mem0's random id and wall clock. What
  mem0's check dropped is not stored; with `update` it is the update operation that decides, and
  the check counts for nothing. What mem0 writes in an update is compared with the operation's
  output, and refused where it differs; its times are not used.
- Both dates of the prompt are the session's, where mem0 puts today.
- Speakers other than 'assistant' and the like are users, named before what they say; line breaks
  within a message become spaces.
- mem0 does not say which messages a memory rests on; `sources` guesses it from shared words.
- Of a payload only the text is kept: `attributed_to`, lemmas and hash are dropped (the hash is
  computed again when a row is read). So is `linked_memory_ids`, which mem0's prompt asks for and
  its `add` does not read.
- The message log is memtune's (the last ten, in order, without ids or times). No history of
  changes is kept: the record of operations has it.
- Entity linking, entity boosts in search and lemmatising are off, as they are in a mem0 without
  spaCy; with it mem0 would download a model, and results would hang on what is installed.
- Rerankers, images in messages, agents, runs and expiry dates are not used.

What it changes in the process, for whoever else uses mem0 there: mem0 is imported with telemetry
off and with a directory that is then gone, its spaCy loaders are marked as failed, its logger is
silent below CRITICAL, and its factories know a provider 'memtune'.
"""
