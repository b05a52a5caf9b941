"""How a sentence says no without a 'not', and what asks for nothing at all.

A refusal is a frame around an activity: 'there is no point in ...', '... is optional', 'leave
... to somebody else'. The frame is taken off and the activity read by itself: what it would
ask for is then refused. Talk about the output, the tools or the team asks for nothing.
"""

from __future__ import annotations

import re

_ELSE = (
    r"(?:some(?:body|one) else|others|(?:an|the)other \w+|(?:a|the) (?:later|next|different|other"
    r"|separate|update|extraction|search) (?:step|agent|program|tool|stage|team|module|process)"
    r"|the (?:[\w-]+ ){0,2}(?:tools?|systems?|agents?|programs?|app|reader|step|department"
    r"|office)\b"
    r"|(?:the )?(?:users?|team|readers?|humans?|people)\b(?! (?:who|that|it)))"
)
_BE = (
    r"(?:(?:is|are|was|were|seems?|remains?|stays?|counts? as|has been|have been"
    r"|(?:would|will|may|can|shall|should|must) (?:only |just )?be)(?: (?:quite|really|rather"
    r"|simply"
    r"|entirely|completely|just|only|purely|considered|strictly|here|also|merely|always))*)"
)
_WASTE = (
    r"(?:optional|voluntary|pointless|useless|futile|superfluous|unnecessary|needless|overkill"
    r"|unwanted|undesired|undesirable|unhelpful|harmful|counterproductive|dispensable"
    r"|redundant work"
    r"|(?:a )?waste of (?:time|effort|space|energy)|wasted(?: \w+)?|wrong|a mistake|an error"
    r"|forbidden|prohibited|banned|ruled out|off the table|out of (?:the question|scope|place)"
    r"|beyond (?:your|our|the) (?:scope|remit|task|job)|no use|of no (?:use|value|interest|benefit"
    r"|help|importance|concern)|(?:switched|turned) off|disabled|discouraged|abolished"
    r"|over and done"
    r"|up to (?:you|them|others|somebody else)|a (?:nuisance|bad idea|thing of the past)|too much"
    r"|more trouble than (?:it is|it's) worth|excessive|nonsense|none of your (?:business|concern)"
    rf"|(?:left|delegated|handed over|reserved) (?:to|for) {_ELSE}|done (?:elsewhere|by {_ELSE})"
    r"|(?:done|handled|dealt with|taken care of) (?:elsewhere|by (?!one|asking|search)\w+)"
    rf"|{_ELSE}(?:'s|s') (?:\w+ )?(?:job|task|business|concern|work)|the (?:job|task|business"
    rf"|concern) of {_ELSE}"
    r"|(?:not|never|hardly|no longer|scarcely) (?:\w+ )?(?:part of|your|wanted|required|needed"
    r"|necessary|asked for|desired|expected|our|useful|sensible|worth\w*|of (?:any )?(?:use"
    r"|interest"
    r"|value)|in scope|called for|to be done|an option|our (?:aim|goal)|the (?:aim|goal|idea|point"
    r"|purpose)|helpful|appropriate|welcome|allowed|permitted|advisable|recommended)"
    r"(?: (?:job|task|concern|here|any ?more|the job|your (?:job|task)))?)"
)
_NO_POINT = (
    r"(?:no|little|not (?:any|much)|hardly any|scarcely any|never any) (?:\w+ )?(?:need|point"
    r"|reason"
    r"|use|sense|value|benefit|purpose|call|cause|obligation|interest|wish|desire|demand"
    r"|requirement|duty|gain|merit|intention|advantage)"
)
#: What comes before the activity that is refused.
_BEFORE = re.compile(
    r"(?:"
    rf"there(?:'s| is| are| was| seems to be) {_NO_POINT}(?: (?:to|in|for|of|on))?"
    rf"|(?:we|i|you|the \w+|users?|it) (?:have|has|see|sees|had|serves?|makes?) {_NO_POINT}"
    r"(?: (?:to|in|for|of))?"
    rf"|it(?:'s| (?:{_BE})) (?:\w+ )?{_WASTE}(?: (?:for you|of you))?(?: to)?"
    r"|it(?:'s not|'s never| is not| isn't| would not be| wouldn't be| was never| is never"
    r"| is hardly)"
    r" (?:\w+ ){0,2}(?:necessary|required|needed|worth(?:while)?|job|task|place|business|useful"
    r"|wanted|important|sensible|desirable|intended|advisable|expected|helpful|wise|allowed"
    r"|permitted|possible)(?: (?:to|that|for you to))?"
    r"|(?:it )?makes no (?:sense|difference) (?:to|in|if|whether)"
    r"|resist (?:the (?:\w+ )?(?:temptation|urge|impulse|wish)) (?:to|of)"
    r"|(?:hold back|keep|stay away|shy away|desist|refrain|abstain) from (?=\w+ing)"
    r"|(?:stop|cease|quit|forget about|forget|never mind|spare yourself|do without|dispense with"
    r"|give up|save yourself|think twice before|beware of|steer clear of|be wary of|avoid)"
    r"(?: the (?:trouble|effort|work) of)? (?=(?:\w+ )?\w+ing\b)"
    r"|nothing (?:is|will be|would be|can be) (?:gained|won|achieved|improved) (?:by|from|through)"
    r"|(?:we|i|they)(?: have|'ve)? (?:(?:decided|voted|chose|advise|are|am|speak) against"
    r"|gave up(?: on)?|given up|stopped|abandoned|abolished|dropped|do without|frown (?:up)?on"
    r"|object to|discourage|dislike|rejected|ruled out|switched off|got rid of)(?: the idea of)?"
    r"(?= (?:the )?\w+ing\b)"
    r"|(?:we|i)(?: would|'d) (?:rather|prefer)(?: it)?(?: if)? you (?:did not|didn't|not to|never)"
    r"|no ?(?:body|one)(?: here| else)? (?:\w+ )?(?:you to|to)\b"
    r"|(?:by no means|at no (?:time|point)|under no circumstances|on no account|in no case)"
    r"(?: (?:should|must|may|can|are|do) (?:you|we|it|they)(?: to)?)?"
    r"|(?:please )?(?:do not|don't|never) (?:feel (?:obliged|bound|free|compelled)|bother|trouble"
    r"|attempt|try|waste (?:\w+ ){1,2}(?:on|with)|go to the (?:trouble|length) of|spend (?:\w+ )"
    r"{1,2}on|think of|start|begin)(?: to| about| with)?"
    r"|you (?:need not|needn't|do not (?:have|need)|don't (?:have|need)|are not (?:\w+)"
    r"|aren't \w+) (?:to )?"
    r"|(?:you (?:can|may|might|could|should) |feel free to |you are free to |you're free to )"
    r"(?:safely |just |simply |happily )?(?:skip|omit|forgo|leave out|do without|dispense with"
    r"|forget(?: about)?|ignore|refrain from|stop|avoid)(?= (?:the )?\w+ing\b)"
    rf"|leave (?:it to {_ELSE} to|to {_ELSE})"
    rf"|{_ELSE} (?:already )?(?:takes? care of|sees? to|deals? with|is responsible for|handles"
    r"|(?:is|are) (?:\w+ )?in charge of|looks? after)(?= (?:the )?\w+ing\b)"
    rf"|it is (?:for|up to) {_ELSE} to"
    r"|(?:an|the) (?:earlier|previous|former|old) (?:version|prompt|system|agent|release) (?:\w+ )?"
    r"(?:used to|had to|did|would|was to)"
    r"|(?:keep|store|record|extract|note|write down) (?:everything|anything|all(?: \w+)?|every \w+)"
    r" (?:except|but|apart from|other than|save)(?: for)?"
    r"|by (?:cutting|dropping|omitting|leaving out|removing|skipping)"
    r"|whether (?:or not )?(?:you|to)(?=.*\bup to\b)"
    r")\b"
)
#: What comes after it.
_AFTER = re.compile(
    rf"\b(?:{_BE} (?:\w+ )?{_WASTE}"
    r"|(?:isn't|aren't|wasn't) (?:\w+ )?(?:part of (?:your|our|the) (?:job|task)|your (?:job|task)"
    r"|wanted|required|needed|necessary|asked for|worth\w*|useful|called for|helpful|expected)"
    rf"|(?:do|does|would|will)(?:es)? more harm than good|(?:serves?|has|have|makes?) {_NO_POINT}"
    r"|(?:can be|may be|should be) (?:\w+ )?(?:dispensed with|done without)"
    r"|(?:adds|brings|gains|achieves|contributes|helps|improves|buys|yields|gets) (?:us |you"
    r" )?(?:nothing|no (?:value|benefit|one|gain)|nobody|little)(?: (?:of|in) \w+)?"
    r"|(?:(?:do|does) not|don't|doesn't|never) (?:pay off|help\b|belong to your|make sense"
    r"|interest us"
    r"|concern you|improve)"
    r"|(?:wastes?|costs?) (?:\w+ )?(?:time|effort|space|too much|money)"
    r"|(?:means?|counts? for|proves?|changes?|settles?|as good as) nothing"
    r"|(?:is|are) (?:just |only |merely )?(?:mere|pure|nothing but|no more than|decoration|noise"
    r"|clutter|chatter|a luxury|a failure|a figure of speech|small talk)\b(?: \w+)?|ha(?:s"
    r"|ve) nothing (?:to do|in common)"
    r"|(?:only |merely |just )?adds? (?:only |nothing but )?noise|\belsewhere"
    r"|needs? no (?:\w+ )?(?:treatment|care|handling|attention)|(?:is|are) to be \w+ as (?:they"
    r" are|it is)|belongs? (?:in|to|into|on) .{1,40}, not .*|(?:may|can) go"
    r"|(?:is|are|do|does|will|wo)(?: not|n't)$"
    r"|has (?:been )?(?:gone out of use|no place here|had its day)"
    r")"
)
_LEAVE_TO = re.compile(
    rf"\b(?:leave|hand over|delegate|entrust|assign)\b(?! (?:out|in|it|them)\b)(.+) to {_ELSE}\b"
)
#: A plain negation of the main verb.
_PLAIN = re.compile(
    r"^((?:please |also |so |but |and |then )*)(?:do not|don't|never)(?: ever)? "
    r"(?!only|just|merely|forget|fail|hesitate|rely|stop at|stick|limit|miss|wait|let\b)"
    r"|(?:(?<=\bshould)|(?<=\bmust)|(?<=\bshall)|(?<=\bneed)) (?:not|never)(?= )"
    r"(?! (?:be )?(?:return|retriev|add|stor|contain|replac|overwrit|overrul|chang|creat|insert"
    r"|appear|giv|show|count|hand|disclos|search|answer|accept|alter|touch|updat|be in\b))"
)
#: 'Asides are rare, so let them go': what is refused has been named before.
_PRONOUN = re.compile(
    r"^(.+?)(?:[,;:]| and| so)+ (?:so |then |and |therefore |you (?:can|may) "
    r"|please )*(?:let (?:them|it"
    r"|these|those) (?:go|be|pass)|pass (?:them|it|these|those) over|do without (?:them|it)"
    r"|forget (?:about )?(?:them|it)|leave (?:them|it) (?:alone|be|to \w+))$"
)
_PARTS = re.compile(r"[;:] |, (?:but|yet|though|although|so|and|as|since|because)\b| [–—] ")


def refused_activity(sentence: str) -> list[str]:
    """Return the activities that a sentence refuses, each read as if it were asked for."""
    found = []
    named = _PRONOUN.match(sentence)
    if named:
        found.append(named.group(1))
    for part in _PARTS.split(sentence):
        part = part.strip(" ,.?!")
        bare, hits = _BEFORE.subn(" ", part, count=1)
        if not hits and _LEAVE_TO.search(part):
            bare, hits = _LEAVE_TO.sub(r"\1", part), 1
        if not hits:
            bare, hits = _AFTER.subn(" ", part, count=1)
        if hits:
            found.append(re.sub(r"\s+", " ", bare).strip(" ,"))
    return found


def denied_activity(sentence: str) -> str | None:
    """Return what a sentence with a plain 'do not' or 'should not' would say without it."""
    first = _PARTS.split(sentence)[0]
    bare, hits = _PLAIN.subn("", first)
    return bare.strip(" ,") if hits == 1 else None


_TOOLS = (
    r"(?:search (?:engine|step|tool|index)|tools?|program|software|system|prompt|documentation"
    r"|manual|server|engine|company|index|handbook|(?:update|search|extraction|next|previous|first"
    r"|last) step|backups?|database|interface|instructions?|pipeline|parser|script|headings?|header"
    r"|column|template|examples?|websites?|template)"
)
#: Talk about how the answer looks and sounds, what the tools are, what the team is like.
_NEUTRAL = re.compile(
    rf"^(?:the|our|this|that|these|your|each|every|another|an?) (?:[\w-]+ ){{0,2}}{_TOOLS}\b"
    r"(?!.*(?:\b(?:must|should|shall)\b|[;:]))"
    rf"|^(?:the )?(?:[\w-]+ ){{1,2}}of (?:the|our|this) (?:\w+ )?{_TOOLS}\b(?!.*\b(?:must|should"
    rf"|shall)\b)"
    r"|^in other words,|\b(?:to|of|on) (?:websites|web pages)\b|\bshall we say\b"
    r"|^(?:we|i) (?:\w+ )?(?:hope|trust|wish|thank|would like|propose|suggest)\b(?! (?:to )?\w*"
    r" ?(?:record|keep|extract|search))"
    r"|^you (?:are|will be|have been|were) (?:given|shown|asked|handed|told|paid|presented"
    r"|provided)"
    r"|\bhistory of (?:our|the) (?:company|team|project|office|firm)\b"
    r"|\b(?:friendly|neutral|polite|formal|informal|confident|cheerful|serious|calm|sober) (?:tone"
    r"|style|voice|language)\b|\btone of (?:voice|your)\b"
    r"|\bemojis?\b(?=.*\byour\b)|\byour (?:own )?(?:style|tone|spelling|grammar|wording|prose"
    r"|voice|manner|formatting|punctuation|turn|work)\b|\bof your own\b"
    r"|\b(?:upper|lower)[- ]case\b|\bcapital letters?\b|\bcapitali[sz]|\bpunctuation\b"
    r"|\bexclamation marks?\b|\bcommas?\b|\b(?:trailing|leading) (?:spaces?|blanks?)\b"
    r"|\btakes? longer\b|\b(?:separate|single|new|one) line\b|\bbalanced?\b"
    r"|\b(?:past|present|future) tense\b|\bfuture of (?:this|our|the)\b|\bactive voice\b"
    r"|\bfewer words\b|\bas (?:short|brief|concise)\w* as\b|\bsyntax\b|\bdelimiters?\b|\bindent"
    r"|\b(?:british|american|plain|good|correct) (?:english|spelling)\b"
)
#: The same, which for retrieval may well be about what to return.
_NEUTRAL_LISTS = re.compile(
    r"\b(?:in|of|to|with|for|at the \w+ of|from) (?:your|the) (?:final |finished )?(?:output|reply"
    r"|response|answer)\b|^(?:the|your) (?:final |finished )?(?:output|answer)\b"
    r"|\b(?:passed|handed|sent|given|read|used|processed|forwarded)\b.{0,20}\b(?:to|by|in) (?:the"
    r"|an?|another) (?:\w+ )?(?:step|program|agent|memory|database|tool|store)\b"
    r"|\b(?:intended|meant) for (?:the|a|an|our)\b|\bset the others aside\b"
)

_WANTED = re.compile(
    r"\b(?:includ|belong|turn up|appear|contain|mention|record|extract|list\b|have to|has to|must)"
)


def asks_for_nothing(slot: str, sentence: str) -> bool:
    """Tell whether a sentence only talks about form, tools or the team."""
    return bool(
        _NEUTRAL.search(sentence)
        or (
            slot != "retrieval"
            and _NEUTRAL_LISTS.search(sentence)
            and not (slot == "extraction" and _WANTED.search(sentence))
        )
    )
