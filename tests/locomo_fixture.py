"""A small data set in LoCoMo's published format, made from a seed, malformations included.

Its sentences are invented. Every question of categories 1 to 4 is answered in the
messages that its evidence names. Each kind of malformation that the published file has
occurs at least once in every conversation.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

SPEAKERS = (("Ada", "Bruno"), ("Chloe", "Dmitri"), ("Elif", "Farid"), ("Greta", "Hugo"))
CITIES = ("Lisbon", "Osaka", "Tallinn", "Quito", "Nairobi", "Bergen", "Cork", "Turin")
PETS = ("a grey parrot", "two rabbits", "a greyhound", "an old tortoise", "a corn snake")
HOBBIES = ("fencing", "bookbinding", "kayaking", "beekeeping", "pottery", "archery", "juggling")
JOBS = ("a nurse", "a land surveyor", "a piano tuner", "a baker", "a court clerk")
SMALL_TALK = ("How was your week?", "That sounds lovely!", "Tell me more.", "Ha, I had no idea!")
MONTHS = ("January", "March", "May", "July", "September", "November")

Sample = dict[str, Any]


def locomo_samples(seed: int = 0, conversations: int = 5, sessions: int = 4) -> list[Sample]:
    """Return samples of `sessions` (at least 4) sessions with 10 questions each."""
    rng = random.Random(seed)
    return [_sample(rng, f"conv-{index + 1}", index, sessions) for index in range(conversations)]


def write_locomo(path: Path, samples: list[Sample]) -> Path:
    """Write samples as the published file does, and return the path."""
    path.write_text(json.dumps(samples, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def _sample(rng: random.Random, name: str, index: int, sessions: int) -> Sample:
    first, second = SPEAKERS[index % len(SPEAKERS)]
    city, new_city = rng.sample(CITIES, 2)
    hobby, other_hobby = rng.sample(HOBBIES, 2)
    pet, job, count = rng.choice(PETS), rng.choice(JOBS), rng.randint(3, 9)
    year = 2021 + index % 3
    said = {
        1: [(first, f"I live in {city} now."), (second, f"I work as {job}.")],
        2: [(second, f"I started {hobby} last month."), (first, f"We adopted {pet}!")],
        3: [(first, f"I have been to {count} concerts this year."),
            (second, f"Besides {hobby}, I also do {other_hobby}.")],
        4: [(first, f"Big news: I moved to {new_city}."), (second, "So you changed cities again!")],
    }  # fmt: skip
    conversation: dict[str, Any] = {"speaker_a": first, "speaker_b": second}
    for number in range(1, sessions + 1):
        turns: list[dict[str, Any]] = []
        for speaker, text in said.get(number, []):
            other = second if speaker == first else first
            for who, what in ((speaker, text), (other, rng.choice(SMALL_TALK))):
                turns.append(
                    {"speaker": who, "dia_id": f"D{number}:{len(turns) + 1}", "text": what}
                )
        if not turns:
            turns.append({"speaker": first, "dia_id": f"D{number}:1", "text": SMALL_TALK[0]})
        if number == 2:
            turns[2] |= {
                "img_url": ["https://example.invalid/pet.jpg"],
                "blip_caption": f"a photo of {pet} on a sofa",
                "query": "pet sofa",
            }
        conversation[f"session_{number}"] = turns
    # More dates than sessions, as published.
    for number in range(1, sessions + 4):
        hour, minute = rng.randint(1, 12), rng.randint(0, 59)
        month, later = MONTHS[number % 6], number // 6
        conversation[f"session_{number}_date_time"] = (
            f"{hour}:{minute:02} {rng.choice(('am', 'pm'))} on {rng.randint(1, 28)} "
            f"{month}, {year + later}"
        )
    date = conversation["session_2_date_time"].split(" on ")[1]
    qa = [
        _qa(f"Where did {first} live first?", city, 4, ["D1:1"]),
        _qa(f"What is {second}'s job?", job.split(" ", 1)[1], 4, ["D1:3"]),
        # Two ids in one string.
        _qa(f"Which hobbies does {second} have?", f"{hobby}, {other_hobby}", 1, ["D2:1; D3:3"]),
        # An integer answer.
        _qa(f"How many concerts has {first} been to?", count, 4, ["D3:1"]),
        # A leading zero, and a fragment that names nothing.
        _qa(f"Which cities has {first} lived in?", f"{city}, {new_city}", 1,
            ["D1:01", "D", "D4:1"]),
        # A misplaced colon, and an id that points to no message.
        _qa(f"When did {first} adopt a pet?", date, 2, ["D:2:3", "D9:99"]),
        # No evidence at all.
        _qa(f"Would {first} be fond of animals?", "Likely yes; they adopted one", 3, []),
        _qa(f"Where does {first} live now?", new_city, 4, ["D4:1", "D4:1"]),
        {"question": f"Where does {second} live?", "category": 5, "evidence": ["D1:1"],
         "adversarial_answer": city},
        {"question": f"Did {second} adopt {pet}?", "category": 5, "evidence": ["D2:3"],
         "adversarial_answer": "Yes", "answer": "No"},
    ]  # fmt: skip
    return {
        "sample_id": name,
        "conversation": conversation,
        "qa": qa,
        "event_summary": {},
        "observation": {},
        "session_summary": {},
    }


def _qa(question: str, answer: str | int, category: int, evidence: list[str]) -> dict[str, Any]:
    return {
        "question": question,
        "answer": answer,
        "category": category,
        "evidence": evidence,
    }
