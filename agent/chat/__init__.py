"""The memory agent for use in one's own program: turns, their record, and what is made of it.

create        settings, memory directory and prompts to an agent; allowance: what it may spend
graph         the LangGraph graph: answer -> remember
turns         retrieve and respond, one turn of a user at a time
turnstile     one at a time for each user; gate: closing and erasing wait for who is at work
remembering   what memory takes in after an answer; forgetting: what it drops
record        turns, messages and passes in the memory's database
why           what an answer rested on
flag          a wrong answer as a question of a data set, and its cause
correction    what a user's correction says the answer should have been
replaying     a user's turns replayed on memory of their own: how a cause is proved
"""
