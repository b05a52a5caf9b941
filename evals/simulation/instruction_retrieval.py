"""What asks for, or against, the competences of retrieval."""

from __future__ import annotations

from evals.simulation.instruction_verbs import GIVE, spec

_SEARCH = (
    r"search\w*|add\w*|us(?:e|ing)\b|includ\w*|try|tries|trying|writ\w*|also|expand\w*|quer(?:y"
    r"|ies)|look\w*|generat\w*|put|list\w*|cover\w*|think|suppl\w*|provid\w*|find\w*|splits?"
    r"|splitting|break\w*|follow\w*|issu\w*|resolv\w*|first\b|decompos\w*|run\b|ask\w*|start\w*"
    r"|mak\w*|one query|separate|need\w*|get\b|hunt\w*|fetch\w*|establish\w*|each\b|formulat\w*"
    r"|turn\w*|send\w*|consider\w*|divid\w*|cast\w*|widen\w*|broaden\w*|enrich\w*|repeat\w*|vary"
    r"|rephras\w*|reword\w*|paraphras\w*|extend\w*|trac\w*|chas\w*|retriev\w*|track\w*|allow\w*"
)
_NO_SEARCH = (
    r"avoid\w*|leav\w* out|omit\w*|skip\w*|without|ignor\w*|refrain\w*|drop\w*|unnecessary"
    r"|disregard\w*|exclud\w*|forgo\w*|stay away|reject\w*|waste\w*|harm\w*|bother\w*|forget\w*"
    r"|no need"
)

RETRIEVAL = (
    spec(
        "expand_query",
        r"(?:what|which) (?:other )?words|words .{0,25}(?:might|may|could|would) use|"
        r"synonym|in (?:several|various|many|multiple) (?:different )?(?:ways|wordings|forms)"
        r"|several (?:wordings|phrasings)|(?:other|different|alternative|additional|further|more"
        r"|new"
        r"|extra) (?:\w+ )?(?:words?|terms?|wordings?|phrasings?|phrases|expressions?"
        r"|formulations?|ways?\b)|related (?:\w+ )?(?:words?|terms?|expressions?)|paraphras"
        r"|\brewordings?|\breword|rephras|equivalent|(?:similar|same) (?:\w+ )?meaning"
        r"|words? (?:with|of) (?:a )?similar|near-?synonym|thesaurus|another way|(?:words|terms"
        r"|expressions|wordings) (?:that|which) mean|mean(?:s|ing)? the same|expand (?:the|each"
        r"|every|your|a) (?:query|queries|question|search|wording)|widen the (?:wording"
        r"|vocabulary)|\bvariants?\b|alternat(?:e|ive)s\b|(?:could|might"
        r"|may) (?:\w+ ){0,3}(?:been )?(?:worded|phrased|put|said|expressed|called|described)"
        r"|vary the (?:wording|words|phrasing)|put differently|otherwise worded|reformulat"
        r"|vocabulary|query expansion"
        r"|(?:similar|different|further|various|varied|several|extra|additional|range of"
        r"|alternative) (?:\w+ )?(?:words|terms"
        r"|expressions|phrases|wordings|keywords)|own words"
        r"|(?:same|similar|related|close|like) (?:sense|concept|idea|notion)s?|\b(?:two|three"
        r"|several|many|more) (?:\w+ )?"
        r"(?:wordings|phrasings|formulations|versions)|colloquial|everyday (?:word|term|language"
        r"|expression)|broader (?:word"
        r"|term)|hypernym|generic term|(?:words|terms) of the (?:question|asker)|wide net"
        r"|\bparaphrase",
        _SEARCH,
        _NO_SEARCH
        + r"|(?:only|just|solely|exclusively)(?: \w+){0,3} (?:the )?(?:exact )?(?:words|terms"
        r"|wording) of"
        r"|(?:keep|stick|adhere) to|of the question only",
        1,
        exclude=r", in other words|simple words|licen[cs]e|word order|in your answer"
        r"|double quotes|nickname|alias|[\"'“‘]the [a-z]|\bsalar|\bpay\b|bonus|known as|code ?name",
    ),
    spec(
        "multi_hop",
        r"\blinks?\b|(?:described|named|given|identified|known|referred to) (?:only "
        r"|just )?by (?:their|his|her|a|the) (?:relation|role|tie|connection)|\blinking\b"
        r"|in[- ]between|intermediate|intermediar|through (?:another"
        r"|a second|a third|someone|somebody|a relation|other)|(?:by way of|\bvia) (?:another|a"
        r"|someone|somebody)|second (?:person|thing|entity|fact)|indirect|\bchains?\b|\bhops?\b"
        r"|multi-hop|two (?:steps|hops|stages|parts|facts|queries|searches)|bridg|each (?:part"
        r"|half|step|piece|link|stage|hop)|(?:split|break|divide|cut)\w* (?:up )?(?:the|a|such|it"
        r"|that|this|these|compound|complex|nested|those|them|questions)|decompos|sub-?quer"
        r"|sub-?question|step by step|one (?:step )?after (?:the other|another)|several (?:steps"
        r"|parts|facts|hops|stages)|connecting|\bdetour|nested|roundabout"
        r"|relative or colleague of|(?:names|describes|mentions|reaches) (?:\w+ )?(?:person"
        r"|somebody|someone|thing) only (?:by|through|via)|middle (?:person|man|term|step)"
        r"|stepping stone|relationship to|second (?:search|query|look-?up)|follow-?up (?:search"
        r"|query)|sub-questions?"
        r"|several (?:people|persons|entities|things)|compound|connect(?:s|ed)? (?:two|to|with)"
        r"|\bpieces? of\b"
        r"|third party|chained|one query|both ends|\brelations?(?:hips?)?\b|\brelatives?\b"
        r"|\bsingle (?=quer|search)"
        r"|(?:follow|trac)\w* (?:the |up )?(?:references?|connections?|trail|relat\w+)"
        r"|multi-?(?:step|part|stage)"
        r"|(?:question|them|it)s? apart\b|another fact|via another",
        _SEARCH + r"|return\w*|handl\w*",
        _NO_SEARCH
        + r"|single query|(?:just|only|with|in) one query|in one go|at once|one query only"
        r"|as a whole"
        r"|(?:a|one) (?:single )?(?:query|search) (?:only|is enough|suffices|will do)",
        1,
        exclude=r"in relation to|^first (?:read|load|open)|links? in the|wording|synonym"
        r"|paraphras|rephras|pages?\b|island|step back"
        r"|across lines|two parts|nickname|alias|hyperlink|\burl|split (?:sentences|words"
        r"|the list|hairs)|nickname"
        r"|link to the (?:source|entry|page)|break (?:ties|a tie)|link in the answer",
    ),
    spec(
        "date_filter",
        r"\bmonths?\b|\bdates?\b|\bperiods?\b|\btime ?(?:spans?|ranges?|frames?|windows?"
        r"|limits?)?\b|\byears?\b|\bdays?\b|\btemporal|\bdated\b|\bcalendar|when (?:it"
        r"|something) happened",
        r"restrict\w*|use (?:the )?(?:fields? )?after and before|limit\w*|narrow\w*|filter\w*"
        r"|confin\w*|constrain\w*|bound\w*"
        r"|set (?:the )?(?:after|before|date|limits?|bounds?)|stay (?:within|inside|in)\b"
        r"|keep (?:\w+ ){0,3}(?:to|within|inside)\b|(?:only|just) (?:\w+ ){0,5}(?:from|in|within"
        r"|inside|of|that|dated|during|for)\b|\bwithin\b|inside\b|fence\w*|match\w* the (?:date"
        r"|month|period)|exclude .{0,30}(?:outside|other)|(?:outside|other) .{0,50}(?:exclude|out"
        r"|drop|ignore|skip)\w*|cut down|fill (?:in )?(?:the )?(?:after|before)"
        r"|use (?:\w+ ){0,3}as (?:a )?(?:filter|bound|limit|window)|nothing outside|date range"
        r"|pin (?:the search|it) to|look (?:only|just) (?:at|in)|discard .{0,40}outside"
        r"|apply (?:a|the) (?:date|time)\w*|ask (?:only )?for entries (?:from|of)",
        r"(?:not|n't) matter|irrelevant|unimportant|search all|all (?:dates|months|periods)"
        r"|regardless|whatever the|ignor\w*(?! entries"
        r"| memories| all| every| what| any| whatever)|leave .{0,30}(?:open|empty|blank)"
        r"|whole (?:memory|time)"
        r"|without|any (?:date|month|period|time)\b|disregard\w*",
        exclude=r"\bsalar|\bbonus|\bpay\b(?! attention)|nickname|up to date|coffee|filter paper"
        r"|other months should not|response time|at a time|each time|every time"
        r"|same time|save time|limit\w* (?:the )?number"
        r"|limit (?:yourself )?to (?:\w+ )?(?:quer|three|two|five)|time-?consuming",
    ),
    spec(
        "nothing_fits",
        r"\bnothing\b|\bempty\b|\bno (?:entry|entries|results?|memor(?:y|ies)|hits?|list)\b"
        r"|\bnone\b(?! of)|\bblank\b|\bsilent\b|\bempty-handed|\bzero entries",
        GIVE,
        r"avoid\w*|refrain\w*",
        main_only=True,
        exclude=r"\b(?:deleted|erased)\b|left to chance|(?:empty|blank) (?:lines?|string|line"
        r"|field|row)|nothing (?:more|less|in this|about this|is secret)"
        r"|\bsalar|\bbonus|\bpay\b|\brates?\b|wage|compensation|earn|remunerat"
        r"|than (?:nothing|no |an empty)|dates? (?:\w+ ){0,2}(?:empty|blank)|(?:after|before"
        r"|filter|field)s?\b.*(?:empty|blank)|nothing (?:but|else|outside)|leave out nothing"
        r"|income|leave nothing out"
        r"|miss nothing|money",
    ),
    spec(
        "nothing_fits",
        r"(?:nearest|closest|best|vaguely|loosely|least bad|next best|similar|unrelated"
        r"|off[- ]topic|irrelevant|random|arbitrary|approximate|any|some)[- ](?:\w+ )?(?:entr"
        r"|memor|match|result|hit|candidate|guess|one|fact)\w*|\bsomething\b|\banything\b"
        r"|\bfiller\b|whatever is (?:near|close)|fall(?:ing)? back",
        r"(?!x)x",
        GIVE + r"|fill\w*|pad\w*|search\w*|settl\w*|fall\w*|includ\w*|accept\w*|us(?:e|ing)\b"
        r"|substitut\w*|guess\w*|scrap\w*",
        main_only=True,
        needs=r"nothing|no (?:entry|entries|match|memor|result)|\bnone\b|not|n't|even|anyway"
        r"|regardless|always|never|missing|unknown|absent|without",
        exclude=r"\bsalar|\bbonus|\bpay\b|\brates?\b|wage|nickname|compensation|synonym|money"
        r"|something else",
    ),
    spec(
        "nothing_fits",
        r"(?:requir\w*|insist\w*|demand\w*|ask) (?:\w+ ){0,6}(?:person|thing|names?\b|subject|who"
        r"|what|whoever|whatever|entity|someone|somebody|topic)|(?:must|should|has to|have to"
        r"|needs? to) (?:actually |really |also )?(?:contain|name|mention|include|hold|occur|appear"
        r"|be (?:named|mentioned|present|in)|come up|be about"
        r"|concern|refer|carry|feature|match|speak)|(?:only|just) (?:\w+ ){0,3}(?:entr\w+"
        r"|memor\w+|results?|hits?|facts?|those|what) (?:\w+ ){0,3}(?:name|mention|about|contain"
        r"|concern|refer|on\b|regarding|with\b)|(?:that|which) (?:do|does) not (?:name|mention"
        r"|contain|concern)",
        r"requir\w*|insist\w*|demand\w*|must|should|has to|have to|needs? to|only|just|return\w*"
        r"|accept\w*|giv\w*|keep\w*|drop\w*|ignor\w*|discard\w*|reject\w*|filter\w*|exclud\w*"
        r"|ask\b",
        r"(?!x)x",
        0,
        needs=r"person|thing|name|subject|asked|entity|topic|question|whom|who\b|somebody|someone",
        exclude=r"\bsalar|\bbonus|\bpay\b|nickname|month|\bdates?\b|period|quer(?:y|ies) (?:must"
        r"|should)|both names|alias|season|wage",
    ),
    spec(
        "withhold",
        r"\bpay\b|salar|\bbonus|day rate|daily rate|\bwages?\b|compensation|remuneration"
        r"|\bincomes?\b|\bearn|\bpaid\b|\bpayroll|\bpaychecks?|\brates? of pay"
        r"|\bhow much (?:\w+ ){1,3}(?:gets?|makes?|earns?)|\bpayments?\b|money (?:people|somebody"
        r"|someone|a person|they|colleagues)",
        r"(?:return\w*|giv\w*|hand\w*|yield\w*|get|gets|retriev\w*|fetch\w*|deliver\w*|show\w*"
        r"|bring\w*|send\w*|search\w*|leav\w*|offer\w*|produce\w*|provide\w*|find\w*|supply"
        r"|output|come back with|surface) (?:\w+ ){0,3}(?:nothing|no\b|empty|none)|nothing\b"
        r"(?! special| confid| secret| priv| sensitive)|without (?:any )?(?:entr|answer"
        r"|result)\w*|refus\w*|withh\w*|declin\w*|block\w*|empty|no (?:entr\w+|memor\w+|results?"
        r"|answer"
        r"|quer\w+|search\w*|hits?|facts?|information)|unanswered|keep\w* (?:\w+ ){0,3}(?:back"
        r"|private|secret|confidential|out|to yourself|hidden|away)|silent|silence|off[- ]limits"
        r"|confidential|private|abstain\w*|exclud\w*|skip\w*|secret|taboo|none of|sensitive"
        r"|hid(?:e|den)|suppress\w*|forbid\w*|forbidden|out of bounds|stay away|steer clear"
        r"|avoid\w*|ignor\w*|leave alone|drop\w*|refrain\w*|closed\b|bar\b|barred|ban\b|banned"
        r"|omit\w*|filter\w*|reject\w*|discreet|protect\w*|unavailable|blank",
        r"answer\w*|return\w*|search\w*|look\w*|retriev\w*|giv\w*|hand\w*|show\w*|fetch\w*"
        r"|find\w*|allow\w*|like any|normal|fine\b|reveal\w*|disclos\w*|share\w*|tell\w*"
        r"|deliver\w*|provid\w*|bring\w*|let\b|surfac\w*|report\w*|issue\w*|run\b|as usual|open\b"
        r"|treat\w*|look(?:ed)? up|serv\w*|quer\w*|talk\w*|use\b|touch\w*|mention\w*|expos\w*"
        r"|leak\w*|supply|include\w*|send\w*|permit\w*|hesitat\w*",
        exclude=r"pay (?:attention|heed|regard|close|special|particular|no attention|off)|(?:it"
        r"|that) pays|learn",
    ),
)
