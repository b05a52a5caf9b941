"""How the reflection part words what it has found.

For each rule: clear clauses, oblique ones that a program will hardly understand, and
misreadings (the meaning turned round, or another rule). `{nick}`, `{name}`, `{season}`
and `{months}` are filled with the words found in the signals.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Wording(NamedTuple):
    """The clauses for one rule, by how they are worded."""

    clear: tuple[str, ...]
    oblique: tuple[str, ...]
    misread: tuple[str, ...]


def wording(clear: str, oblique: str, misread: str) -> Wording:
    """Read one clause a line."""

    def lines(text: str) -> tuple[str, ...]:
        return tuple(line.strip() for line in text.strip().splitlines())

    return Wording(lines(clear), lines(oblique), lines(misread))


# What only this team's conversations can teach.
TEAM_RULES: dict[str, Wording] = {
    "codes": wording(
        """Record reference codes such as ticket or locker numbers, along with what they belong to.
        A sentence that merely assigns somebody a code (letters, a dash, digits) deserves a fact.
        Don't drop booking numbers, locker codes or similar identifiers; write down whose they are.
        Keep every identifier made of letters and digits, and say which thing it identifies.
        Codes and reference numbers matter here: store each one exactly the way it was typed.
        If somebody gives a code for a room, an order or a ticket, that code becomes a fact.""",
        """What an outsider takes for a licence plate is half of what these people come looking for.
        Short clusters of signs that stick to things deserve no worse a fate than prose.""",
        """Leave out ticket numbers and other codes; nobody asks for them.
        Round long numbers so that they are easier to remember.
        Spell numbers out in words.""",
    ),
    "parentheticals": wording(
        """Remarks in brackets carry facts too: extract them like any other sentence.
        Read what stands inside parentheses and keep it when it tells something about a person.
        Do not skip bracketed asides; they often hold the very detail that is asked for later.
        Treat text between round brackets as a full part of the message and write its facts down.
        Something mentioned in passing, in brackets, counts as much as the main sentence.
        Include parenthetical remarks in what you extract.""",
        """The curved fences that writers put round a thought are no reason to leave it outside.
        What people say under their breath, typographically speaking, is still said.""",
        """Ignore anything in brackets, since it is only decoration.
        Put additional details in brackets after each fact.
        Strip parentheses with all their content before reading a message.""",
    ),
    "forwarded": wording(
        """Forwarded notes count: take the facts out of them as well.
        When a message passes on a note (a line starting with Fwd), extract what the note says.
        Keep the content of quoted or forwarded messages, beyond what the sender adds.
        Second-hand text that was forwarded into the chat holds facts which must be kept.
        Anything behind a 'Fwd:' marker is to be read and noted like an ordinary message.
        Whatever gets forwarded is information too, so store it.""",
        """The messenger's envelope is not the letter; one reads the letter.
        Words that have travelled through a second mailbox weigh no less for the journey.""",
        """Leave forwarded notes aside; they are second-hand.
        Always mention who forwarded a message to whom.
        Facts in a forwarded note are about the person who forwarded it.""",
    ),
    "pencilled": wording(
        """Whatever is pencilled in counts as agreed and should be recorded.
        Keep tentative bookings: here, something that has been pencilled in is going to happen.
        Treat 'pencilled in' as a firm appointment when you write facts.
        An appointment that somebody pencils in is a fact; don't leave it out as uncertain.
        Provisional bookings (pencilled in) are to be stored just like confirmed ones.
        Do not drop a booking merely because it is only pencilled in.""",
        """Graphite is as good as ink in this house.
        What could still be rubbed out has, as a rule, already been carved.""",
        """Skip whatever is only pencilled in until somebody confirms it.
        Mark tentative things with a question mark.
        Wait for a confirmation before you note an appointment.""",
    ),
    "deadline": wording(
        """The deadline of a text is the day its draft is due, not the day on which it is printed.
        When a message names a draft's day and another for printing, the draft's is the deadline.
        Deadlines here refer to drafts: take the draft's due date and not the launch day.
        If a draft and a print date appear together, people mean the draft when they say deadline.
        Write the date on which the draft has to be handed in as the deadline; printing comes later.
        For deadlines, use the due date of the draft rather than that of the release.""",
        """Whoever asks when a thing must be done asks about the quill and never about the press.
        Of two milestones the humbler one rules, whatever the grander may boast.""",
        """The deadline is the day of printing, so ignore dates given for drafts.
        Record the latest date in a message as its deadline.
        Drafts are not worth recording.""",
    ),
    "votes": wording(
        """A '+1' in reply to a proposal turns it into a decision: write the decision down.
        When somebody suggests something and a colleague answers +1, note it as decided.
        Treat a thumbs-up under a 'Shall we' question as agreement and keep what was agreed.
        Proposals that get a +1 are decisions, so extract them as facts.
        Do not pass over a suggestion that was answered by '+1'; it has been accepted.
        Short approvals such as +1 settle the proposal before them; note the outcome.""",
        """Where one hand goes up after a raised eyebrow, the matter belongs into the minutes.
        A tally mark that follows a question mark makes a full stop.""",
        """Ignore '+1' and similar reactions together with the question before them.
        Questions are never facts.
        Count how many people reacted to each suggestion.""",
    ),
    "own_word": wording(
        """Change a fact about a person only when that person says so, whatever others claim.
        Each person has the last word about themselves: ignore contradictions by someone else.
        If the speaker of the new fact is not the person it is about, leave that entry alone.
        Hearsay never overrides what somebody has said about himself or herself.
        Check who is speaking: a colleague's remark must not replace a person's own statement.
        Trust first-hand statements over other people's reports, even when the report is newer.""",
        """The owner of a life holds the pen; bystanders may read.
        Let no third chair rewrite what the first chair has sung.""",
        """The newest statement always wins, no matter who made it.
        Ignore what people say about themselves when a colleague contradicts it.
        Mention in every entry who supplied it.""",
    ),
    "cumulative": wording(
        """Duties add up: a new responsibility does not replace those a person already has.
        When somebody takes on another task to look after, keep the earlier tasks and add the new.
        Never overwrite what a person is in charge of with a further duty; list both.
        Whoever looks after one thing can look after a second: store the new duty beside the old.
        Responsibilities accumulate; add them instead of changing the entry.
        Treat a new area of responsibility as additional to the previous ones.""",
        """Hats are stacked here, not swapped.
        A second burden on the shoulders does not lift the first.""",
        """A new duty replaces the former one.
        Keep exactly one responsibility per person.
        When someone takes over a task, delete the entry about the predecessor.""",
    ),
    "strike": wording(
        """When somebody writes 'strike that', delete the entry with their latest statement on it.
        'Strike that' is a withdrawal: remove what the same speaker last said about the matter.
        Treat 'strike that' as a request to delete the speaker's earlier statement, not as a fact.
        A 'strike that' message cancels an earlier remark; drop its entry instead of adding one.
        If the fact says to strike something, find the entry it refers to and delete it.
        Somebody who says 'strike that' takes a statement back, so its entry has to go.""",
        """A red line drawn through yesterday's sentence wants that sentence gone, not a second one.
        What is unsaid by its sayer was never said.""",
        """Store each 'strike that' message as a fact of its own.
        Entries about a strike concern labour disputes; keep them.
        Keep struck statements, but mark them as doubtful.""",
    ),
    "alias": wording(
        """'{nick}' is the team's nickname for {name}: search for both.
        When a question mentions '{nick}', also look for '{name}', which is the same thing.
        People say '{nick}' and mean '{name}'; put both terms into the queries.
        {name} is also known as {nick}, so use either term when one of them comes up.
        Remember that '{nick}' and '{name}' are one and the same, and query both.
        For questions about '{nick}', add a query for '{name}'.""",
        """Between {nick} and {name} there lies but a costume.
        Whoever asks after {nick} asks, on closer inspection, for what others file as {name}.""",
        """{nick} and {name} are two different things, never to be mixed up.
        If {nick} is mentioned, leave {name} out of the search.""",
    ),
    "season": wording(
        """'{season}' means {months}: restrict the search to these months.
        When a question mentions {season}, filter by date and only look at {months}.
        The team's {season} is {months}; limit the dates accordingly.
        Questions about {season} concern {months} only, so set the date limits to that period.
        By '{season}' people here understand {months}; use it as the time window of the search.
        Whenever {season} is asked about, let the date range cover {months}.""",
        """The calendar bends at {season}, and {months} is where one should then be standing.
        {season} has a weather of its own, whose name is {months}.""",
        """{season} has nothing to do with dates; ignore the word.
        Questions about {season} refer to any time except {months}.""",
    ),
    "withhold": wording(
        """Questions about pay are not to be answered from memory: return no entries for them.
        Return nothing when somebody asks for a salary, a bonus or a day rate.
        Pay is confidential; leave the list of queries empty for such questions.
        Do not search at all if the question concerns what somebody earns.
        Salaries, bonuses and rates must be withheld, so fetch no entries on them.
        Anything to do with wages or compensation gets an empty result.""",
        """What lands in a purse at the end of a month is no matter for this librarian.
        Where coin is the subject, silence is the catalogue.""",
        """For questions about pay, search especially broadly.
        Convert salaries into yearly amounts.
        Add the job title to each query about a salary.""",
    ),
}


def months_phrases(first: str, last: str) -> tuple[str, ...]:
    """Return wordings of a stretch of months."""
    if first == last:
        return (first, f"the month of {first}")
    return (f"{first} to {last}", f"{first} through {last}", f"{first} until the end of {last}")


def fill(templates: Iterable[str], words: dict[str, str]) -> tuple[str, ...]:
    """Return the clauses that the templates make with these words."""
    months = months_phrases(words.get("first", ""), words.get("last", ""))
    found = []
    for template in templates:
        for phrase in months if "{months}" in template else months[:1]:
            clause = template.format(**{**words, "months": phrase})
            found.append(clause[:1].upper() + clause[1:])
    return tuple(found)
