"""A small data set in memtune's own format, one question of each type: to copy and to change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from traces.errors import SettingsError


def _said(*lines: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"id": id, "speaker": speaker, "text": text} for id, speaker, text in lines]


CONVERSATIONS: tuple[dict[str, Any], ...] = (
    {
        "id": "ada-and-bruno",
        "sessions": [
            {
                "id": "s1",
                "date": "2024-05-01T18:30",
                "messages": _said(
                    ("m1", "Ada", "I live in Lisbon now, five minutes from the river."),
                    ("m2", "Bruno", "Lovely! I still work as a piano tuner, by the way."),
                    ("m3", "Ada", "Last Tuesday I started a pottery class."),
                ),
            },
            {
                "id": "s2",
                "date": "2024-06-12T09:05",
                "messages": _said(
                    ("m4", "Ada", "Big news: I have moved to Bergen for a new job."),
                    ("m5", "Bruno", "I was in Bergen once, at the music festival."),
                ),
            },
        ],
        "questions": [
            {
                "id": "q1",
                "question": "What is Bruno's job?",
                "answer": "piano tuner",
                "category": "single-hop",
                "evidence": ["m2"],
            },
            {
                "id": "q2",
                "question": "Which cities has Ada lived in?",
                "answer": "Lisbon and Bergen",
                "category": "multi-hop",
                "evidence": ["m1", "m4"],
            },
            {
                "id": "q3",
                "question": "When did Ada start her pottery class?",
                "answer": "30 April 2024",
                "category": "temporal",
                "evidence": ["m3"],
            },
            {
                "id": "q4",
                "question": "Where does Ada live?",
                "answer": "Lisbon",
                "category": "single-hop",
                "evidence": ["m1"],
                "asked_after": "s1",
            },
            {
                "id": "q5",
                "question": "Where does Ada live?",
                "answer": "Bergen",
                "category": "update",
                "evidence": ["m4"],
            },
        ],
    },
    {
        "id": "chloe-and-dev",
        "sessions": [
            {
                "id": "s1",
                "date": "2024-03-02",
                "messages": _said(
                    ("m1", "Chloe", "My dentist appointment is on 14 March at nine."),
                    ("m2", "Dev", "We adopted a greyhound called Pixel at the weekend."),
                ),
            },
            {
                "id": "s2",
                "date": "2024-03-09",
                "messages": _said(
                    ("m3", "Chloe", "They moved my dentist appointment to 21 March."),
                    ("m4", "Dev", "Pixel is afraid of the lift, so we take the stairs."),
                ),
            },
        ],
        "questions": [
            {
                "id": "q1",
                "question": "When is Chloe's dentist appointment?",
                "answer": "21 March 2024",
                "category": "update",
                "evidence": ["m3"],
            },
            {
                "id": "q2",
                "question": "Does Dev have a dog?",
                "answer": True,
                "category": "yes-no",
                "evidence": ["m2"],
            },
            {
                "id": "q3",
                "question": "What is the name of Chloe's cat?",
                "category": "unanswerable",
                "unanswerable": True,
            },
        ],
    },
    {
        "id": "elif-and-farid",
        "sessions": [
            {
                "id": "s1",
                "date": "2024-09-10T20:00",
                "messages": _said(
                    ("m1", "Elif", "I am allergic to walnuts, so no walnut cake for me."),
                    ("m2", "Farid", "Noted. I run the city half marathon on 6 October."),
                ),
            },
            {
                "id": "s2",
                "date": "2024-10-08T20:00",
                "messages": _said(
                    ("m3", "Farid", "The half marathon took me two hours and three minutes."),
                    ("m4", "Elif", "Well done! I will bake you a cake."),
                ),
            },
        ],
        "questions": [
            {
                "id": "q1",
                "question": "What is Elif allergic to?",
                "answer": "walnuts",
                "category": "single-hop",
            },
            {
                "id": "q2",
                "question": "How long did Farid take for the half marathon?",
                "answer": "2 hours 3 minutes",
                "category": "single-hop",
                "evidence": ["m3"],
            },
            {
                "id": "q3",
                "question": "What would Elif bake for Farid?",
                "answer": None,
                "category": "open",
            },
        ],
    },
)

EXAMPLE = "".join(
    json.dumps(conversation, ensure_ascii=False) + "\n" for conversation in CONVERSATIONS
)


def write_example(path: Path) -> None:
    """Write the example to a file that does not exist yet.

    Raises SettingsError where it does, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(EXAMPLE)
    except FileExistsError:
        raise SettingsError(f"{path}: exists already; name another file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{path}: cannot be written ({reason}); name another file") from error
