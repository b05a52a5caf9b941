"""Two short conversations that share no word that matters, and some awkward ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from traces.domain import Conversation, Message, Question, Session

_FIRST = datetime(2024, 3, 4, 9, 30)


def _conversation(
    id: str, sessions: list[list[tuple[str, str]]], questions: list[str]
) -> Conversation:
    made = tuple(
        Session(
            f"{id}-s{n}",
            _FIRST + timedelta(days=8 * n),
            tuple(
                Message(f"{id}-s{n}m{m}", speaker, text)
                for m, (speaker, text) in enumerate(messages, start=1)
            ),
        )
        for n, messages in enumerate(sessions, start=1)
    )
    asked = tuple(Question(f"{id}-q{n}", text, None) for n, text in enumerate(questions, start=1))
    return Conversation(id, made, asked)


LISBON = _conversation(
    "lisbon",
    [
        [("Rosa", "I live in Lisbon and I work as a baker."),
         ("Ben", "Nice! My sister Clara moved to Porto last year.")],
        [("Rosa", "On Friday I bought a violin for my daughter."),
         ("Ben", "I am allergic to walnuts, so no cake with walnuts for me.")],
        [("Rosa", "I moved: I live in Madrid now, not in Lisbon."),
         ("Ben", "Then you must visit the Prado with me in May.")],
    ],
    ["Where does Rosa live?", "What is Ben allergic to?", "What did Rosa buy on Friday?"],
)  # fmt: skip
# Words of the one that no word of the other resembles.
LISBON_ONLY = ("lisbon", "violin", "walnuts", "porto", "prado")
GLACIER = _conversation(
    "glacier",
    [
        [("Ingrid", "The glacier expedition starts on Monday with six sledges."),
         ("Olav", "My husky Thor has a sore paw.")],
        [("Ingrid", "We pay 90 crowns for each kilo of dried cod."),
         ("Olav", "The radio frequency is 145 megahertz from now on.")],
    ],
    ["What is the name of Olav's husky?", "What does dried cod cost?"],
)  # fmt: skip
GLACIER_ONLY = ("glacier", "husky", "thor", "crowns", "megahertz")
# Words that nobody uses who was told of neither.
TELLING = (*LISBON_ONLY, *GLACIER_ONLY, "rosa", "ben", "clara", "madrid", "baker", "ingrid", "olav",
           "sledges", "cod")  # fmt: skip
# Says some of Lisbon's words over and over: what counts words over all conversations shows it.
ECHO = _conversation(
    "echo", [[("Clara", f"Who moved to Porto? To Porto moved number {n}.") for n in range(40)]], []
)
# What was told, word for word: who finds anything finds that.
VERBATIM = Question("verbatim", LISBON.sessions[1].messages[1].text, None)
ANOTHER = Question("another", "Who moved to Porto or Madrid?", None)

UNICODE = _conversation(
    "unicode",
    [
        [("Zoë", "Меня зовут Зоя, 我住在北京 🏙️."),
         ("نور", "أسكن في القاهرة. e\u0301 is not é; \u200bzero width."),
         ("Ann\u2028Lee", "tab\there, null \x00 byte, {braces} <tags> %s \\n 'quotes\"")],
    ],
    ["我住在哪里?", "Где живёт Зоя? {x} %d",
     "Меня зовут Зоя, 我住在北京 🏙️.", "أسكن في القاهرة."],
)  # fmt: skip
EMPTY = Conversation(
    "empty",
    (
        Session("empty-s1", _FIRST, ()),
        Session("empty-s2", _FIRST, (Message("empty-s2m1", "", ""),
                                     Message("empty-s2m2", "Ann", "   "))),
    ),
    (Question("empty-q1", "", None), Question("empty-q2", "Who?", None)),
)  # fmt: skip
HUGE = _conversation(
    "huge",
    [
        [("Ann", "The parcel is in the cellar. " + "and on it goes " * 4000)],
        [("Ann" if n % 2 else "Bob", f"Number {n} of a long talk.") for n in range(120)],
    ],
    ["Where is the parcel? " + "please " * 500, "Number 119 of a long talk."],
)
# Alone in memory, it has to be found whatever else is ranked how.
LONG = Conversation(
    "long", HUGE.sessions[:1], (Question("long-q1", "The parcel is in the cellar.", None),)
)
TWICE = _conversation("twice", [[("Ann", "Yes."), ("Bob", "Yes."), ("Ann", "Yes.")]], ["Yes?"])
