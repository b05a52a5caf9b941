"""Notes that describe and link themselves, after A-MEM (arXiv 2502.12110).

A note is one piece of content with keywords, tags, a context description and links. A new
note is described, linked to related ones, and lets these be described anew. Memory only adds
and re-describes: no note is deleted, and no content is changed. What no longer holds can be
told in a note's context, and in nothing else; the answer sees that, and the dates.

    construct  messages of a window -> notes           slot construction, one call a window
    link       note, those near it -> related ones     slot linking, one call a note
    evolve     note, related ones -> contexts, tags    slot evolution, one call a linked note
    retrieve   question -> queries -> notes and links  slot retrieval, one call a question

Different from the original:

- Content is a self-contained statement that the construction prompt writes, not a dialogue
  turn word for word: relative dates and 'I' are resolved once, and small talk makes no note.
  Construction reads a window of messages in one call, not one message a call.
- Linking and evolution are two calls, as the paper describes them (its code makes one of
  them); each is left out where it has nothing to decide: no note near, none linked.
- Neighbours are those near enough (a share of the note's own score), at most `near`; the
  original takes a fixed number, however far.
- Links are read in both directions, and hold entry ids, never places in a list.
- Search is the hybrid one of all backends here (BM25 and n-grams or embeddings) over content,
  context, keywords and tags, with filters; the original compares embeddings alone.
- The answer is shown content, context and date; keywords and tags serve search and linking.
- Whatever evolution says of a note's context becomes a version, with the message ids that it
  rests on.
"""
