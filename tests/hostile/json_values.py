"""JSON as programs get it right, get it wrong, and as parsers may differ about it.

`VALID`, `INVALID` and `EITHER` hold values as bytes, to stand where a value stands in an object.
`WRONG_BODIES` are whole bodies that are no JSON, or none that a question could be.
"""

# ruff: noqa: E501 (facts, many to a line)

from __future__ import annotations

MANY = 100_000

_NUMBERS = (
    "0", "-0", "0.0", "1", "-1", "10", "1.5", "-1.5", "1e1", "1E1", "1e+1", "1e-1", "1E+0", "0e0", "0E-0",
    "0.1e1", "123456789012345678901234567890", "1.7976931348623157e308", "5e-324", "0.1", "1.0000000000000002",
)  # fmt: skip
_STRINGS = (
    '""', '" "', '"a"', r'"\""', r'"\\"', r'"\/"', r'"\b\f\n\r\t"', r'"\u00e9"', r'"\u0000"', r'"\u001f"',
    r'"\ud83d\ude00"', r'"\uD83D\uDE00"', r'"\uffff"', '"\x7f"', '"\u0080"', '"é"', '"\u2028\u2029"', '"\U0001f600"',
    '"\uffff"', '"\U0010ffff"', '"//"', '"/* */"', '"\'"', '"\ufeff"', r'"\u005C"', r'"\\u0000"', '"{}"',
)  # fmt: skip
_STRUCTURES = (
    "[]", "{}", "[ ]", "{ }", "[[]]", "[{}]", '{"a": []}', "[1]", "[1, 2]", "[\n1\t,\r2 ]", '{"": 0}', '{"a": 1, "b": 2}',
    '{"\\u0000": 1}', "[null, true, false]", "true", "false", "null", '{"a": {"b": {"c": [1]}}}', '[""]', "[[[[[[]]]]]]",
    '{"__proto__": {"x": 1}}', '{"constructor": null}', '{"a b": 1}', '{"é": 1}',
)  # fmt: skip

_BAD_NUMBERS = (
    "01", "-01", "00", "+1", "++1", ".5", "-.5", "5.", "-5.", "1.e1", "1e", "1e+", "1e-", "1E", "1eE2", "1e1.5", "1.2.3",
    "0x1", "0b1", "0o7", "1_000", "-", "--1", "- 1", "1 2", "1a", "1e1a", "0.e1", "0.3e", "0.3e+", "-a", "\uff11", "\u0661", "1L",
    "1f", "NaN", "-NaN", "nan", "Infinity", "-Infinity", "Inf", "infinity", "+Infinity", "1/2", "1+1", "(1)", "$1",
)  # fmt: skip
_BAD_STRINGS = (
    '"', "'a'", '"a', 'a"', "`a`", r'"\x00"', r'"\a"', r'"\e"', r'"\0"', r'"\'"', r'"\U0041"', r'"\u"', r'"\u1"', r'"\u12"',
    r'"\u123"', r'"\u12G4"', r'"\uZZZZ"', r'"\u 041"', r'"\u{41}"', '"\\', '"\\"', '"a" "b"', '"a""b"', "\\u0061", "\u201ca\u201d", "\\n",
)  # fmt: skip
_BAD_STRUCTURES = (
    "[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1;2]", "[1:2]", "[", "]", "[1", "1]", "[[]", "[]]", "[}", "{]", "{", "}", "{[}]",
    '{"a"}', '{"a" 1}', '{"a":}', '{"a"::1}', '{"a":1,}', '{,"a":1}', '{"a":1,,"b":2}', '{"a":1 "b":2}', "{a:1}", "{'a':1}", "{1:1}",
    "{null:1}", "{[]:1}", '{"a":1;"b":2}', '{"a"=1}', '{"a"=>1}', "[...]", "[1...2]", "(1,2)", "<a/>", "[*]", '{"a":1}}', "[]{}",
)  # fmt: skip
_BAD_WORDS = (
    "True", "False", "None", "TRUE", "Null", "nul", "tru", "fals", "nulll", "truefalse", "undefined", "void 0", "nil", "yes", "NULL",
    "new Date()", "function(){}", "/a/", "alert(1)", "1 // x", "/* x */ 1", "1 /* x", "# x\n1", "-- x", "<!-- x --> 1", "@1", "&amp;", "",
)  # fmt: skip
_NO_SPACE = (
    "\f",
    "\v",
    "\x00",
    "\x1c",
    "\x85",
    "\xa0",
    "\u2003",
    "\u2028",
    "\u2060",
    "\u3000",
    "\ufeff",
    "\u200b",
)
_NO_UTF8 = (
    b"\xff", b"\xfe", b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xe0\x80\x80", b"\xe9", b"\xf0\x9f\x98",
    b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xed\xa0\x80", b"\xed\xa0\xbd\xed\xb8\x80",
)  # fmt: skip


def _bytes(*texts: str) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


def _nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return opening * depth + b"0" + closing * depth


VALID = (
    *_bytes(*_NUMBERS, *_STRINGS, *_STRUCTURES),
    *_bytes(*(f"{space}{value}{space}" for space in " \t\n\r" for value in ("1", "[]", '""'))),
    _nested(b"[", b"]", 50),
    _nested(b'{"a":', b"}", 50),
)
INVALID = (
    *_bytes(*_BAD_NUMBERS, *_BAD_STRINGS, *_BAD_STRUCTURES, *_BAD_WORDS),
    *_bytes(*(f"{space}1" for space in _NO_SPACE), *(f"[1{space}]" for space in _NO_SPACE)),
    *_bytes(*(f'"a{chr(code)}b"' for code in range(0x20))),
    *(b'"a' + wrong + b'b"' for wrong in _NO_UTF8),
    b"[" * 20_000,
    b'{"a":' * 9_000,
    b'[{"a":' * 6_000,
)
# Numbers beyond every float, halves of surrogate pairs, twins among keys: parsers may take either way.
EITHER = (
    *_bytes(
        "1e400", "-1e400", "1e-400", "9" * 4_000, "9" * 5_000, "1." + "9" * 5_000, "1e99999999999"
    ),
    *_bytes(
        r'"\ud800"',
        r'"\udc00"',
        r'"\udc00\ud800"',
        r'"\ud800\ud800"',
        r'"\ud83dx"',
        r'{"\ud800": 1}',
    ),
    *_bytes('{"a": 1, "a": 2}', '{"a": 1, "\\u0061": 2}', '{"": 1, "": 2}'),
    _nested(b"[", b"]", 900),
    _nested(b'{"a":', b"}", 900),
    _nested(b"[", b"]", 20_000),
    _nested(b'{"a":', b"}", 8_000),
)

_WHOLE = b'{"message": "How long?", "stream": false}'
WRONG_BODIES = (
    b" ", b"\n", b"\x00", b"null", b"true", b"0", b'"How long?"', b"[]", b"{}", b'["message"]', b'[{"message": "x"}]',
    b"message=x", b"{message: x}", b"<message>x</message>", b"--x\r\nContent-Disposition: form-data\r\n\r\nx",
    *(_WHOLE[:end] for end in range(1, len(_WHOLE))),
    *(_WHOLE + more for more in (b"}", b"{}", b",", b"x", b"\x00", b"]", b'"', _WHOLE, b"//", b"\xff")),
    *(before + _WHOLE for before in (b",", b"x", b"\x00", b"[", b"//", b")]}',\n", b"while(1);", b"\xff", b"\xfe\xff")),
)  # fmt: skip


def question_with(value: bytes) -> bytes:
    """A question that is in order but for a field that no door reads."""
    return b'{"message": "How long?", "extra": ' + value + b"}"


def setting_with(value: bytes) -> bytes:
    """The same for an address that changes an object."""
    return b'{"name": "Helper", "extra": ' + value + b"}"
