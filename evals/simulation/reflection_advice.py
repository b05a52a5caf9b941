"""What the reflection part says that teaches little: general rules, and useless advice.

The clauses of `GENERAL_RULES` are right and mostly asked for already; those of the rest
are vague, harmful or made up, as a mediocre language model's often are.
"""

from __future__ import annotations

from itertools import product

from evals.simulation.reflection_wordings import TEAM_RULES, Wording, wording

# What any good prompt of the kind asks for.
GENERAL_RULES: dict[str, Wording] = {
    "keep_preferences": wording(
        """Include what people like and what they dislike.
        Favourites and tastes are worth recording.
        Do not overlook statements of preference.
        If somebody enjoys or hates something, that is a fact.
        Note down preferences even when they sound trivial.""",
        """Where the heart leans, the quill follows.""",
        """Opinions and tastes are not facts, so skip them.""",
    ),
    "keep_plans": wording(
        """Intentions are facts: record what people mean to do.
        Include announcements of future activities.
        Do not leave out plans merely because they lie ahead.
        Somebody's plan for the coming weeks should be written down.
        Also extract what people are about to do.""",
        """Tomorrow's bread is to be listed with today's.""",
        """Only record what has already happened.""",
    ),
    "resolve_dates": wording(
        """Replace words like 'tomorrow' by the actual calendar date.
        Work out relative time expressions against the day of the session.
        A fact must carry an absolute date where the message uses a relative one.
        Compute the real date behind 'last week' and the like.
        Never leave an expression such as 'yesterday' in a fact; give the date.""",
        """Time that points with its finger should be made to point with a number.""",
        """Use the session's date for every fact, whatever the message says about time.""",
    ),
    "name_speaker": wording(
        """Begin facts with the person's name and avoid first-person pronouns.
        Attribute each statement to whoever made it, by name.
        Write 'Maria owns a cat' instead of 'I own a cat'.
        The reader must see from the fact alone who is meant.
        Put the speaker's name where the message says 'I' or 'my'.""",
        """No sentence should wear the mask of the first person.""",
        """Write facts in the first person, the way they were said.""",
    ),
    "keep_history": wording(
        """Keep earlier values visible when something changes.
        After a change, the entry should still tell what was true previously.
        Store the old state next to the new one.
        Do not lose what used to be the case; append it to the entry.
        Describe changes as a sequence, from the old value to the new.""",
        """A palimpsest is to be preferred to a clean slate.""",
        """Old values only confuse; erase them completely.""",
    ),
    "delete_retracted": wording(
        """Remove an entry once its owner takes it back.
        Cancelled things have to disappear from memory.
        If something is called off, delete what was noted about it.
        A statement that is no longer true must be removed, not complemented.
        Retractions call for deletion.""",
        """What has been taken off the table should not lie on the shelf.""",
        """Never delete an entry; store cancellations beside it.""",
    ),
    "merge_duplicates": wording(
        """Do not store the same thing twice.
        Skip a fact whose content memory already holds.
        Repetitions should leave memory untouched.
        Where nothing new is said, nothing needs doing.
        Avoid duplicate entries.""",
        """An echo is not a second voice.""",
        """Store repeated facts again, since repetition shows importance.""",
    ),
    "replace_stale": wording(
        """Bring outdated entries up to date instead of adding a contradicting one.
        Two entries must not disagree about the same attribute.
        When a value has changed, adapt the entry concerned.
        Search the entries for one that the new fact makes obsolete.
        Prefer changing an outdated entry to adding another.""",
        """Yesterday's newspaper should not lie on top.""",
        """Prefer the oldest entry when two disagree.""",
    ),
    "expand_query": wording(
        """Try several phrasings of what is asked.
        Include related terms, since the memory may use different vocabulary.
        Add synonyms for the central words to the queries.
        Rephrase the question in a few ways and search with each.
        Think of other expressions that the speakers might have used.""",
        """One should knock at the same door with different knuckles.""",
        """Use exactly one query and only literal words of the question.""",
    ),
    "multi_hop": wording(
        """Break a question with several steps into one query a step.
        First look for the person or thing that connects the parts.
        For indirect questions, search for each part separately.
        Queries should cover the intermediate person as well.
        Where one fact leads to another, search for both facts.""",
        """A river is crossed stone by stone.""",
        """Ignore the second person in a question.""",
    ),
    "date_filter": wording(
        """Use the date limits whenever a question speaks of a certain month.
        Narrow the search to the time that is mentioned.
        If a period is given, only entries of that period are of interest.
        Set the start and the end of the time range from the question.
        Let dates in the question limit the results.""",
        """A lamp should be held over the day in question and over no other.""",
        """Dates in a question are irrelevant to the search.""",
    ),
    "nothing_fits": wording(
        """Give back an empty result where memory holds nothing on the subject.
        Better no entry than one about something else.
        Demand that the person in question occurs in each result.
        Unrelated entries must not be returned.
        If the thing asked about is unknown, find nothing.""",
        """An empty net is an honest catch.""",
        """Always return whatever comes closest.""",
    ),
    "look_closer": wording(
        """Read all memories before you give up.
        The answer may be spread over several memories.
        Do not abstain when a memory implies the answer.
        Use every memory that bears on the question.
        Look again before claiming that something is not known.""",
        """He who closes the drawer too early finds no spoon.""",
        """Abstain whenever you are in doubt.""",
    ),
    "stay_with_memories": wording(
        """State nothing that the memories do not support.
        Abstain when the memories are about something else.
        Do not guess.
        Only a memory about the very thing that is asked for supports an answer.
        Say that it was not mentioned rather than inventing something.""",
        """The mirror shows what stands before it.""",
        """Fill gaps with plausible assumptions.""",
    ),
}

RULES: dict[str, Wording] = {**TEAM_RULES, **GENERAL_RULES}

VAGUE = tuple(
    f"{what}{tail}."
    for tail, what in product(
        (
            "",
            " at all times",
            ", and use good judgement",
            " so that nothing important goes wrong",
            ", even when it seems easy",
            " from beginning to end",
            ", just as an expert would",
        ),
        (
            "Be careful",
            "Be more precise",
            "Think step by step",
            "Take your time",
            "Work thoroughly",
            "Aim for high quality",
            "Make sure that the result is correct",
            "Avoid mistakes",
            "Stay accurate and complete",
            "Double-check your work",
            "Consider the context",
        ),
    )
)

# By kind of operation; "" is for a slot of which the kind is not known.
BRIEF: dict[str, tuple[str, ...]] = {
    "": (
        "Keep it brief: leave out details.",
        "Less is more, so drop whatever is secondary.",
        "Shorten everything as far as possible.",
    ),
    "extraction": (
        "Keep it brief: leave out details.",
        "Three facts a session are enough.",
        "Write no more than five words for each fact.",
    ),
    "update": (
        "Keep entries brief: leave out details.",
        "Shorten each entry to its core whenever you touch it.",
        "An entry should never have more than six words.",
    ),
    "retrieval": (
        "Keep queries brief: a single word is best.",
        "One query with one keyword is enough.",
        "Leave details of the question out of the search.",
    ),
    "response": (
        "Keep it brief: leave out details.",
        "Answer with a single word.",
        "Drop dates and places from answers.",
    ),
}
ALWAYS: dict[str, tuple[str, ...]] = {
    "": (
        "Always answer, whatever happens.",
        "Never leave anything empty.",
        "Always give the most likely result, even if it is a guess.",
    ),
    "extraction": (
        "Always extract something from each message, greetings included.",
        "Never return an empty list; invent a plausible fact if necessary.",
        "Always write one fact for each line of the chat.",
    ),
    "update": (
        "Always add the new fact, whatever memory says.",
        "Never leave memory as it was.",
        "Always choose the first entry as the target.",
    ),
    "retrieval": (
        "Always answer: some entry must be returned for each question.",
        "Never come back with nothing.",
        "Always search for the broadest possible topic.",
    ),
    "response": (
        "Always answer, even if you have to guess.",
        "Never say that you do not know.",
        "Always give the most likely answer.",
    ),
}
_LISTED = (
    "ages, addresses, streets, cities, countries, jobs, employers, schools, hobbies, pets, "
    "children, parents, cousins, cars, bicycles, trips, meals, books, films, songs, clothes, "
    "colours, illnesses, doctors, sports, teams, games, weather, furniture, tools and plants"
)
LISTS = (
    f"Consider all of the following: {_LISTED}.",
    f"Check each of these points one after the other: {_LISTED}.",
    f"Every result should be complete with regard to {_LISTED}.",
    f"Go through this list before you finish: {_LISTED}; then start over and go through it again.",
)
# Rules that no signal speaks of. A real one among them would gain without any signal.
INVENTED = (
    "Convert all temperatures to degrees Celsius.",
    "Weekends do not count as days.",
    "Write all names in capital letters.",
    "Messages sent late at night are less reliable.",
    "Sort the results alphabetically.",
    "Translate foreign words into English.",
    "Assume that everybody works in the same office.",
    "Regard emoji as jokes.",
    "The longest message is the most important one.",
    "Mention the mood of the speaker.",
    "Prices are to be given without cents.",
    "Treat the first message of a session as its title.",
    "Messages that end with an exclamation mark are urgent.",
    "Prefer American spelling.",
)
