"""Sentence shapes of updating."""

from __future__ import annotations

from evals.simulation.instruction_shapes import shape

_SELF = (
    r"(?:\b(?:their|his|her|its|your|someone's|somebody's|everyone's|people's|person's|colleague's"
    r"|speaker's|one's|subject's) own\b|\bthemsel(?:ves|f)|\bhimself|\bherself|\boneself"
    r"|(?:person|one|colleague|speaker|subject|individual|people|owner|teammate|member|author)s?"
    r" (?:concerned|in question|affected|involved|it (?:is about|concerns)|they (?:are about"
    r"|concern)|described|meant|(?:the|a|that) (?:fact|entry|claim|statement)"
    r"|(?:who|whom|that) (?:\w+ ){0,3}(?:about|concerns?|describes?))"
    r"|\bwhom? (?:the|a|that|an|it) (?:\w+ )?(?:\w+ )?(?:is about|concerns|describes)"
    r"|\b(?:own|very) subject\b|(?:its|the) subject\b|\bself-\w+|first[- ]hand|(?:sole"
    r"|only) (?:source|authority)"
    r"|(?:that|this|the same|the very same) (?:\w+ )?(?:person|colleague|speaker|one|member)\b"
    r"|one (?:described|affected|concerned)|whoever (?:a|the|it|an) (?:\w+ )?(?:is|concerns)"
    r"|straight from|horse's mouth|\bhas told (?:us )?about|from the source)"
)
_OTHER = (
    r"(?:\bothers?\b|\bothers'|other (?:people|persons?|colleagues?|speakers?|members?|teammates?)"
    r"|another(?:'s| (?:person|colleague|speaker|member|teammate|one)\b)?|(?:someone"
    r"|somebody|anyone|anybody|everyone) else|third (?:part|person|people)|different (?:person"
    r"|speaker|colleague)|hearsay|gossip|rumou?rs?|second[- ]hand|other than|colleagues?'? (?:say"
    r"|claim|report|word)|outsiders?|bystanders?|(?:no ?one|nobody) else|reports? about)"
)
_CHANGE = (
    r"(?:chang\w*|updat\w*|modif\w*|overwrit\w*|overrul\w*|overrid\w*|alter\w*|correct\w*|replac\w*"
    r"|revis\w*|edit\w*|touch\w*|amend\w*|rewrit\w*|displac\w*|contradict\w*|outweigh\w*|appl\w*"
    r"|tak\w* effect|count\w*|accept\w*)"
)
_ANYONE = (
    r"as good as|(?:newest|latest|most recent) (?:\w+ )?wins|whoever (?:said|says|made|makes)"
    r"|no matter who|regardless of|ignore (?:who|whether)|equally|n't (?:require|need|check|insist"
    r"|matter|reject|refuse|ignore|disregard|necessary|wait)|(?:not|never|no|without) (?:\w+ ){0,2}"
    r"(?:require|reject|refuse|necessary|need|check|matters?|disregard|ignore|insist|priority"
    r"|precedence|wait|difference|require)|skip (?:the|any|a)\b|strike|struck|own words"
    r"|(?:on|of) (?:your|its|their) own\b|add up"
)

UPDATE_SHAPES = (
    shape(
        "own_word",
        r"what (\w+) (?:say|said|tell|told|claim|report|state|write|wrote)s? about (?:\1|himself"
        r"|herself"
        r"|themselves|oneself)",
        unless=_ANYONE,
        denies=True,
    ),
    shape(
        "own_word",
        r"(?:about|on|of) (\w+) (?:\w+ ){1,3}(?:come|stem|originate|be (?:made|stated|given"
        r"|confirmed)|accepted|valid|made"
        r"|changed)\w* (?:only |just )?(?:from|by|through) \1",
        unless=_ANYONE,
    ),
    shape(
        "own_word",
        r"no difference who|anyone's word|(?:word|claim|statement)\w* (?:is|are) as good as"
        r"|(?:newest"
        r"|latest) (?:\w+ )?(?:always )?wins|no matter who"
        r"|regardless of who|(?:ignore|irrelevant|n't matter|not matter|no need|never mind|skip"
        r"|unimportant)\b.{0,40}"
        r"(?:\bwho\b|\bwhose|speaker)|(?:not|n't|never|no) (?:\w+ ){0,2}(?:require|reject|refuse"
        r"|necessary|insist|disregard"
        r"|wait)\b.{0,60}(?:\bown\b|someone else|somebody else|others?\b|themselves|another)",
        unless=r"strike|dut(?:y|ies)|responsib",
        denies=True,
        sign=-1,
    ),
    shape(
        "own_word",
        rf"(?:\bonly\b|\balone\b|solely|exclusively|\bunless\b|\brequir|\bno(?:body| one) (?:but"
        rf"|except)"
        rf"|nothing but|\bfirst\b.{{0,20}}confirm).{{0,90}}{_SELF}"
        rf"|{_SELF}.{{0,60}}\b(?:only|alone|solely|exclusively|required|needed|last word|final say"
        rf"|authorit\w+|outranks?|trumps?|beats?|wins?|prevails?|precedence|priority|decides?"
        rf"|speaks? for)",
        unless=_ANYONE,
        denies=True,
    ),
    shape(
        "own_word",
        rf"(?:believ|trust|stick|side with|go with|go by|prefer|follow|rely|accept|listen|defer"
        rf"|stand by|keep)\w*\b(?: \w+){{0,6}} {_SELF}|(?:for|about|on) themselves (?:and|,"
        rf"|but) not"
        rf"|last word on|the final say|authority on",
        unless=_ANYONE,
        denies=True,
    ),
    shape(
        "own_word",
        rf"{_OTHER}.{{0,60}}\b(?:cannot|can't|not|never|n't|no|nothing)\b.{{0,40}}{_CHANGE}"
        rf"|\b(?:cannot|can't|not|never|n't|no|nobody|no ?one)\b.{{0,50}}{_CHANGE}.{{0,50}}{_OTHER}"
        rf"|(?:nobody|no ?one) else\b.{{0,20}}{_CHANGE}|{_OTHER}\b.{{0,20}}{_CHANGE} nothing",
        unless=_ANYONE + r"|dut(?:y|ies)|responsib|task|entry that is about another"
        r"|about another person or|value of|already|history|former",
        denies=True,
    ),
    shape(
        "own_word",
        rf"(?:reject|disregard|ignor|refus|dismiss|discard|discount|set aside|distrust|overlook"
        rf"|turn down|do not trust|don't trust|don't believe|powerless"
        rf"|no weight)\w*\b.{{0,60}}{_OTHER}"
        rf"|{_OTHER}.{{0,80}}\b(?:reject|disregard|ignor|refus|dismiss|discard|discount|set aside"
        rf"|powerless|carr\w+ no|no weight|no effect|count\w* for nothing|(?:do|does|did|must"
        rf"|should"
        rf"|will|shall|can|may) ?(?:not|n't) (?:count|apply|win|suffice|matter))",
        unless=_ANYONE + r"|dut(?:y|ies)|responsib|already|same (?:thing|fact|meaning)|repeat"
        r"|another fact|other facts|other words|another entry|longer|cancel",
        denies=True,
    ),
    shape(
        "own_word",
        r"\b(?:if|when|whenever|where|should|in case)\b.{0,40}\b(?:claim|say|tell|report|state"
        r"|disput"
        r"|contradict|alleg|assert|mention|den(?:y|ies)|talk|announce)\w*\b.{0,40}(?:\babout|\bon"
        r"|\bof"
        r"|\bfor|contradict|disput)\b ?(?!(?:them|him|her|one)sel).{0,60}(?:\bleave\b|\bkeep\b"
        r"|ignor"
        r"|\bstick|\bstay|unchanged|as it is|no change|change nothing|do nothing|reject|refuse"
        r"|believe|trust|as it was)",
        unless=_ANYONE + r"|dut(?:y|ies)|responsib|looks? after|already|same thing|again|longer"
        r"|cancel|history|former|previous|earlier|old (?:value|one)|\bnew\b|charge",
        denies=True,
    ),
    shape(
        "own_word",
        rf"(?:check|verif|make sure|ask|look|establish|see)\w*\b.{{0,30}}(?:\bspeak\w*"
        rf"|\bwho (?:said"
        rf"|says|made|makes|is)|\bauthor|\bsource|comes? from).{{0,90}}(?:refus|reject|ignor|only"
        rf"|otherwise"
        rf"|leave|before|apply|{_SELF})|(?:is not|isn't|not|n't|other than"
        rf"|differs from) (?:\w+ ){{0,4}}"
        rf"{_SELF}.{{0,80}}(?:\bold\b|stay|remain|unchanged|keep|ignor|no change|reject|leave|refus"
        rf"|disregard|skip|do not|don't)|(?:by|from) (?:someone|somebody|anyone|anybody|people)"
        rf" (?:other than|but).{{0,60}}(?:disregard|ignor|reject|refus|not|leave|discard)",
        unless=_ANYONE,
        denies=True,
    ),
    shape(
        "delete_retracted",
        r"\b(?:nothing|no entry|none) (?:\w+ ){1,3}(?:deleted|removed|erased)\b",
        unless=r"unless|except|but\b|other than|until",
        denies=True,
        sign=-1,
    ),
    shape(
        "keep_history",
        r"\bnew (?:\w+ )?over the (?:old|former|previous|earlier)",
        sign=-1,
    ),
    shape(
        "merge_duplicates",
        r"\b(?:add|stor|record|insert|writ|sav|creat)\w* (?:[\w'-]+ ){1,4}(?:anyway|regardless"
        r"|nevertheless|nonetheless|all the same|in any case|in either case)|\bits own entry, even"
        r"|entries (?:may|can) (?:well )?(?:say|state|hold) the same",
        denies=True,
        sign=-1,
    ),
    shape(
        "merge_duplicates",
        r"\b(?:nothing|never|not|n't|avoid|refrain|without|rather than|instead of|no)\b.{0,40}"
        r"\b(?:add|stor|creat|record|writ|insert|sav|enter|hold|contain|keep|put|list|appear"
        r"|present"
        r"|open|make|making|need|deserve|there)\w*\b.{0,60}\b(?:twice|second (?:entry|copy|time"
        r"|one)|more than"
        r" once|duplicat\w*|already|doubl\w*|stored before|repeat\w*|same (?:thing|fact|content"
        r"|meaning|information) again|copies)\b",
        unless=r"mistake|(?:discard|ignor|skip|drop|reject|merg|combin|check|remov|read|delet)\w*"
        r"|dut(?:y|ies)|responsib|strike",
        denies=True,
    ),
    shape(
        "own_word",
        rf"(?:by|from) (?:nobody|no one|none) (?:but|except|other)|(?:\bkeep|\bstick|\bleave"
        rf"|\bhold|believ|\btrust|\bstay|stands?)"
        rf"\b.{{0,60}}\b(?:even (?:if|when|though)|although|when|if|whatever"
        rf"|no matter what)\b.{{0,12}}{_OTHER}"
        rf"|about (\w+) (?:\w+ )?(?:from|by) (?!\1)\w+.{{0,20}}(?:\bnot|never|n't|cannot)",
        unless=_ANYONE + r"|already|dut(?:y|ies)|responsib|same (?:thing|fact)",
        denies=True,
    ),
    shape(
        "merge_duplicates",
        r"(?:\bnot|never|n't|avoid) (?:\w+ ){0,2}(?:repeat|duplicat"
        r"|doubl)\w* (?:\w+ ){0,2}(?:entr|fact|inform|stat|thing|what)",
        unless=r"need|merge|discard|ignor|skip|drop|check|remov|reject|delet",
        denies=True,
    ),
    shape(
        "merge_duplicates",
        r"\bno (?:two|second|double|repeated|duplicate)\b|\bonly add\b.{0,50}\b(?:no entry"
        r"|not yet|new"
        r"|nothing|n't)\b|\b(?:add|stor|record|sav|insert|writ)\w* (?:\w+ )?(?:only|just|solely"
        r"|nothing but)"
        r"\b.{0,40}\b(?:new|unknown|not yet|missing)\b|(?:only|just|solely) (?:\w+ ){0,3}(?:new"
        r"|unknown)"
        r" (?:facts?|information|things?|statements?|content)|(?:nothing|not|isn't|n't"
        r"|no) (?:\w+ )?"
        r"new\b.{0,50}(?:no (?:operation|action|entry|change)|nothing|not|skip|ignor|leave|discard"
        r"|drop|none)|(?:repeat\w*|repetition|restat\w*|known|equivalent|identical|matching"
        r"|duplicate)"
        r".{0,50}(?:(?:do|does|need|is|are|should|must|gets?|warrant|call)s?(?: for)? ?(?:not|n't"
        r"|no)"
        r" (?:\w+ ){0,4}(?:entr|add|stor|operation|action|line)|refrain|add nothing|no new|skip)"
        r"|(?:check|compar|look|search)\w*\b.{0,50}(?:equivalent|existing|same|identical|duplicat"
        r"|match)\w*.{0,40}"
        r"\b(?:before|first|prior)\b|(?:check|compar|look|search)\w*\b.{0,90}\b(?:if so"
        r"|if it (?:is|does|exists)|in (?:that|which"
        r"|such a) case|then|match|otherwise|exist\w*|before)\b.{0,60}\b(?:leave|discard|skip"
        r"|ignor|refrain"
        r"|nothing|none|not|drop|no)\b|(?:covered|known|recorded|stored|there"
        r"|present)\b.{0,30}\bnone\b"
        r"|one too many|(?:only|just|exactly|at most|no more than) once\b|free of (?:duplicat|repet"
        r"|redundan|doubl)\w*",
        unless=r"dut(?:y|ies)|responsib|(?:do not|don't|never) (?:\w+ )?(?:merge|discard|ignor"
        r"|skip|drop"
        r"|check|remov|reject)\w*|fine\b|always add|\bno need|need not|no duplicate check|cancel"
        r"|strike|retract|longer"
        r"|withdraw",
        denies=True,
    ),
    shape(
        "keep_history",
        r"(?:before ?:|formerly|previously|until \w+|used to be|once\b"
        r"|before that)\b[^\"”'’]{0,30}[\"”'’)]"
        r"|(?:in|of) the (?:form|style|shape|pattern) .{0,30}(?:now|before|formerly|previously"
        r"|was)\b"
        r"|\btransitions?\b|chang\w+ over time|over the (?:course of )?time|(?:value|change|audit)"
        r" (?:history|trail|log)",
        unless=r"dut(?:y|ies)|responsib|strike",
    ),
    shape(
        "keep_history",
        r"(?:\bnothing|\bno \w+|\bnever|\bnot|n't) .{0,60}(?:once|before|formerly|previously|past"
        r"|old|former|earlier)\b.{0,60}(?:vanish|disappear|lost|forgotten|gone|eras|overwrit"
        r"|destroy"
        r"|wiped|die\b)|(?:\bnever|\bnot|n't|without) (?:\w+ ){0,2}(?:lose|losing|eras|forget"
        r"|destroy"
        r"|wip|overwrit|throw)\w* .{0,40}(?:old|past|former|before|earlier|previous|history|value)",
        unless=r"dut(?:y|ies)|responsib|strike|longer|charge|looks? after|\btasks?\b",
        denies=True,
    ),
)
