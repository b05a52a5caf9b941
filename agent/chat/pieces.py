"""The answer's text out of a reply that comes piece by piece: `{"answer": "..."}`."""

from __future__ import annotations

from collections.abc import Callable

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_HEX = frozenset("0123456789abcdefABCDEF")
_LOST = "\ufffd"


class JsonString:
    """Decodes one JSON string that comes in pieces; starts after its opening quote.

    Half a surrogate pair is held back until the other half comes; a lone one becomes U+FFFD.
    `ended` is set by the closing quote.
    """

    def __init__(self) -> None:
        self.ended = False
        self._escape = ""
        self._high = ""

    def feed(self, char: str) -> str:
        """Take the next character; return what is known to follow in the text."""
        if self._escape:
            return self._escaped(char)
        if char == "\\":
            self._escape = char
            return ""
        if char == '"':
            self.ended = True
            return self._settle("")
        return self._settle(_LOST if "\ud800" <= char <= "\udfff" else char)

    def _escaped(self, char: str) -> str:
        if self._escape == "\\":
            if char == "u":
                self._escape = "\\u"
                return ""
            self._escape = ""
            return self._settle(_ESCAPES.get(char, char))
        if char not in _HEX:  # no escape after all
            broken, self._escape = self._escape[1:], ""
            return self._settle(broken) + self.feed(char)
        self._escape += char
        if len(self._escape) < 6:
            return ""
        unit, self._escape = chr(int(self._escape[2:], 16)), ""
        if "\ud800" <= unit <= "\udbff":
            lost, self._high = _LOST if self._high else "", unit
            return lost
        if "\udc00" <= unit <= "\udfff":
            if not self._high:
                return _LOST
            pair = (self._high + unit).encode("utf-16", "surrogatepass").decode("utf-16")
            self._high = ""
            return pair
        return self._settle(unit)

    def _settle(self, text: str) -> str:
        lost, self._high = _LOST if self._high else "", ""
        return lost + text


class AnswerText:
    """Finds the string value of one key of the outermost object, and decodes it as it comes.

    What stands before the object (a code fence, a remark) is passed over. Nothing is put out
    for a value that is no string.
    """

    def __init__(self, key: str = "answer") -> None:
        self._key = key
        self._depth = 0
        self._string: JsonString | None = None
        self._read = ""  # the last string at depth 1
        self._name = ""  # the key whose value comes next
        self._wanted = False
        self._done = False

    def feed(self, piece: str) -> str:
        """Take a piece of the reply; return the piece of the answer that it makes known."""
        return "".join(self._next(char) for char in piece)

    def _next(self, char: str) -> str:
        if self._string is not None:
            return self._inside(self._string, char)
        if self._done:
            return ""
        if char == '"' and self._depth:
            self._string = JsonString()
            self._wanted = self._depth == 1 and self._name == self._key
            self._read = ""
        elif char in "{[":
            # Before the object a bracket is part of the remark.
            self._depth += 1 if self._depth or char == "{" else 0
        elif char in "}]" and self._depth:
            self._depth -= 1
            if not self._depth:  # an object without the key: not the one
                self._name = self._read = ""
        elif self._depth == 1 and char == ":":
            self._name = self._read
        elif self._depth == 1 and char == ",":
            self._name = self._read = ""
        return ""

    def _inside(self, string: JsonString, char: str) -> str:
        text = string.feed(char)
        if string.ended:
            self._string = None
        if not self._wanted:
            if self._depth == 1 and not self._name:
                self._read += text
            return ""
        self._done = string.ended
        return text


class SpokenAnswer:
    """Hands on the answer piece by piece, each part of it once, without outer white space.

    A request may be made several times (a broken stream, an unreadable reply): `begin` marks
    a new reply. What follows is handed on only as far as it goes on from what was said.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._text = AnswerText()
        self._reply = ""
        self.said = ""

    def begin(self) -> None:
        """A new reply begins."""
        self._text, self._reply = AnswerText(), ""

    def feed(self, piece: str) -> None:
        """Take a piece of the reply."""
        more = self._text.feed(piece)
        if more:
            self._reply += more
            # White space at the end may turn out to be the answer's end.
            self._go_on(self._reply.strip())

    def finish(self, answer: str) -> None:
        """Hand on what is left of the answer, now that it is known."""
        self._go_on(answer)

    def _go_on(self, text: str) -> None:
        if len(text) > len(self.said) and text.startswith(self.said):
            more, self.said = text[len(self.said) :], text
            self._say(more)
