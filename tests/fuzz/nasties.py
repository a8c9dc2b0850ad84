"""Hand-made bytes that readers of JSON, MessagePack and moments have stumbled over, small except where size is the point.

`contracts.traps` has those of which the contract states the verdict; here are those that both readers must merely agree
on and survive.
"""

from __future__ import annotations

from contracts.traps import BARE, at, bare, spliced

FRAGMENTS = [
    # literals and what is nearly one
    b"null", b"true", b"false", b"nul", b"True", b"NaN", b"-NaN", b"Infinity", b"-Infinity", b"undefined",
    # numbers
    b"0", b"-0", b"-0.0", b"00", b"-", b"-01", b"+1", b"1.", b".1", b"1e", b"1E+", b"1e1", b"1E+01", b"1e-400", b"1e400",
    b"-1e400", b"1e99999999999999999999", b"0e400", b"100", b"101", b"-1", b"75.0", b"7.5e1", b"0x1F", b"1_000",
    b"9223372036854775807", b"9223372036854775808", b"18446744073709551615", b"18446744073709551616",
    b"-9223372036854775809", b"0." + b"3" * 400, b"7" * 400, b"7" * 400 + b".5", b"7" * 4300, b"7" * 4301,
    b"-" + b"7" * 4299, b"-" + b"7" * 4300, b"1.7976931348623158e308", b"1.7976931348623159e308", b"5e-324",
    # strings
    b'""', b'"a"', b'"', b"'a'", b'"\\', b'"\\"', b'"\\u"', b'"\\u00"', b'"\\u0000"', b'"\\u007f"', b'"\\u0085"', b'"\\u2028"',
    b'"\\uFFFF"', b'"\\uFEFF"', b'"\\uD800"', b'"\\uDFFF"', b'"\\uD83D\\uDE00"', b'"\\uDE00\\uD83D"', b'"\\uD83D\\u0041"',
    b'"\\uD83D\\\\uDE00"', b'"\\ud83dx\\ude00"', b'"\\/\\b\\f\\n\\r\\t"', b'"\\x41"', b'"\\0"', b'"\\U0001F600"', b'"\\u 041"',
    b'"\x00"', b'"\x1f"', b'"\t"', b'"\n"', b'"\x7f"', b'"\xc2\x80"', b'"\xc2\x9f"', b'"\xc2\xa0"', b'"\xe2\x80\xa8"',
    b'"\xef\xbb\xbf"', b'"\xff"', b'"\xc0\x80"', b'"\xe0\x80\x80"', b'"\xed\xa0\x80"', b'"\xed\xa0\xbd\xed\xb8\x80"',
    b'"\xf4\x8f\xbf\xbf"', b'"\xf4\x90\x80\x80"', b'"\xf0\x9f\x8e"', b'"e\xcc\x81"', b'"\xe2\x80\xae"', b'"[{"', b'"]}"',
    b'"' + b"x" * 100 + b'"', b'"' + b"x" * 101 + b'"', b'"' + b"\xc3\x9f" * 200 + b'"', b'"' + b"\xc3\x9f" * 201 + b'"',
    b'"' + b"\\u00df" * 200 + b'"', b'"' + b"\xf0\x9f\x8e\x89" * 100 + b'"', b'"' + b"\\ud83c\\udf89" * 101 + b'"',
    # objects, lists and punctuation
    b"{}", b"[]", b"{", b"}", b"[", b"]", b",", b":", b"[,]", b"[1,]", b"{,}", b'{"a"}', b'{"a":}', b'{"a":1,}', b'{"":0}',
    b"{a:1}", b"{1:1}", b'{"a":1 "b":2}', b'{"a":1,"a":"2"}', b'{"a":1e400,"a":0}', b"[1e400]", b"[" * 62 + b"]" * 62,
    b"[" * 63 + b"]" * 63, b"[" * 64 + b"]" * 64, b'{"":' * 63 + b"0" + b"}" * 63, b"[[],[],{}]", b"/**/", b"//", b"#",
    b" ", b"\t", b"\r\n", b"\x0b", b"\x0c", b"\xc2\xa0", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\x00", b"\x1e",
    # what members of a touchpoint take, and nearly take
    b'{"amount":"1","currency":"EUR"}', b'{"amount":"-0.000000001","currency":"XXX"}', b'{"amount":"1"}', b'{"amount":1}',
    b'{"amount":"1","amount":2,"currency":"EUR"}', b'{"currency":"EUR\\n","amount":"1"}', b'{"amount":"\xd9\xa1","currency":"EUR"}',
    b'"Europe/Vienna"', b'"Etc/GMT+12"', b'"a/b/c/d"', b'"/"', b'"1.0"', b'"1.00"', b'"0.3"',
    b'"contact-4711"', b'"contact-4712"', b'"t-1"', b'"web-tracker"', b'"article.read"',
    b'{"specversion":"1.0","data":{}}', b'"specversion":"1.0"', b'"data":{}', b'"data":null', b'"data_base64":"e30="',
]  # fmt: skip
"""Pieces to be put into JSON, whole or torn."""

MOMENTS = [
    "2026-11-02T10:11:12.123Z", "2026-11-02T10:11:12Z", "2026-11-02t10:11:12z", "2026-11-02T10:11:12.123456789+01:00",
    "2026-11-02T10:11:12-00:00", "2026-11-02T10:11:12+23:59", "2026-11-02T10:11:12-23:59", "2026-11-02T10:11:12+24:00",
    "2026-11-02T10:11:12", "2026-11-02T10:11", "2026-11-02", "2026-11-02 10:11:12Z", "20261102T101112Z",
    "2026-W45-1T10:11:12Z", "2026-W45-1", "2026-306T10:11:12Z", "0001-01-01T00:00:00+23:59", "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999-23:59", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:01", "1969-12-31T23:59:59.999Z",
    "1969-12-31T23:59:00-00:01", "2100-12-31T23:59:59.999Z", "2101-01-01T00:00:00+00:01", "2101-01-01T00:00:00Z",
    "2016-12-31T23:59:60Z", "2016-12-31T23:59:60", "2026-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-02T24:00:00Z", "2026-11-02T10:60:00Z",
    "2026-11-02T10:11:12.Z", "2026-11-02T10:11:12,5Z", "2026-11-02T10:11:12.5", "2026-11-02T10:11:12+0100",
    "2026-11-02T10:11:12+01", "2026-11-02T10:11:12 Z", "2026-11-02T10:11:12Z\n", "\ufeff2026-11-02T10:11:12Z",
    "2026-11-02T10:11:1\u0662Z", "\uff12026-11-02T10:11:12Z", "2026-11-0\u00b2T10:11:12Z", "+2026-11-02T10:11:12Z",
    "-2026-11-02T10:11:12Z", "12026-11-02T10:11:12Z", "1793614272123", "2026-11-02T10:11:12.999999999999999999999Z",
    "2026-11-02T10:11:12.\u0661Z", "2026-11-02T10:11:12\u221201:00", "2026-11-02T10:11:12.123Z[Europe/Vienna]", "now", "",
]  # fmt: skip

WHOLE_VALUES = [
    *map(at, MOMENTS),
    b"\x00", b"\x00{}", b"{}\x00", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf", b"\xef\xbb\xbf{}", b'{"', b"{\x22id\x22", b'""""',
    b"[" * 65, b"]" * 65, b"[]" * 200, b'{"":' * 65, b"[" * 100_000, b"]" * 100_000, b"[" * 64 + b'"' + b"[" * 500,
    b'{"a":' * 100_000, b'"\\' * 1_000, b"9" * 100_000, b"-" * 1_000, b"[" + b"1," * 1_000, b"\\" * 1_000,
    bare(user_agent="Googlebot/2.1"), bare(user_agent="x" * 512 + "Googlebot/2.1"), bare(properties={"link": "\u00df", "honeypot": True}),
    bare(user_agent="x" * 300_000), bare(user_agent="\u0000" * 1_000), bare(id="x" * 100_000), bare(properties={"x" * 70_000: 1}),
    spliced(rb'"\u0069d":5'), spliced(rb'"\u0069d":"t-2"'), spliced(rb'"i\u0064":null'), spliced(rb'"\ud800":1'), spliced(b'"id\x00":1'),
    spliced(rb'"\u0073pecversion":"1.0","dat\u0061":{}'), spliced(b'"specversion":"1.0","data":{}'),
    spliced(b'"specversion":1e400,"data":"\\ud800"'), spliced(b'"specversion":"1.0"'), spliced(b'"data":[]'),
    spliced(b'"specversion":"1.0","specversion":"1.0","data":{"channel":"web"}'), spliced(b'"specversion":null,"data":null'),
    spliced(b'"x":' + b"7" * 100_000), spliced(b'"properties":{"x":-' + b"7" * 100_000 + b"}"), spliced(b'"x":1e' + b"9" * 10_000),
    spliced(b'"x":0.' + b"0" * 100_000 + b"1"), spliced(b",".join([b'"id":"a"'] * 2_000)), spliced(b",".join([b'"rating":101'] * 200)),
    spliced(b'"properties":{' + b",".join([b'"a":1'] * 2_000) + b"}"), spliced(b'"x":[' + b",".join([b"[]"] * 2_000) + b"]"),
    spliced(b'"x":"' + rb"\ud83d\ude00" * 2_000 + b'"'), spliced(b'"x":"' + rb"\ud83d" * 500 + b'"'), bytes(range(256)),
    b"{" + b'"id":"t-1",' * 3 + b'"contact_id":"contact-4711"}', bare().replace(b",", b" , ").replace(b":", b"\n:\t"),
    bare().replace(b'"', b"'"), bare()[:-1], bare() + b"}", bare() + b",", bare()[1:], bare() * 2, b"[" + bare() + b"]",
    bare(**dict.fromkeys(BARE, "\U0010ffff")), bare(**dict.fromkeys(BARE, "\u0130")), bare(**dict.fromkeys(BARE, " ")),
]  # fmt: skip
"""Values of records, whole."""

PACKED = [
    b"", b"\xc0", b"\xc1", b"\xc2", b"\x01", b"\xff", b"\x90", b"\x91\x02", b"\x92\x02\x01", b"\x93\x02\x01\x02", b"\x94\x02\x01\x02\x03",
    b"\x93\x03\x01\x02", b"\x93\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02", b"\x93\xff\x01\x02", b"\x93\xc3\x01\x02",
    b"\x93\xca\x40\x00\x00\x00\x01\x02", b"\x93\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\x01\x02", b"\xa1\xff", b"\x91\xa1\xff",
    b"\x94\x02\x01\x01\xa1\xff", b"\x96\x01\x01\x81\xa1\xff\x01\x80\x80\x00", b"\x96\x01\x01\x81\xa1\xed\x01\x80\x80\x00",
    b"\x91" * 500, b"\x91" * 10_000, b"\x81\x01" * 10_000, b"\x92\x02" * 5_000, b"\x92\x01\x81" * 5_000, b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xdd\x00\x00\xff\xff" + b"\xc0" * 100,
    b"\x92\x02\x81\x80\x01", b"\x93\x02\x81\x91\x80\x01\x01", b"\xd6\xff\x00\x00\x00\x00", b"\xd4\x05\x00", b"\xc9\x00\x00\x00\x01\x05\x00",
    b"\x93\x02\xd6\xff\x00\x00\x00\x00\x01", b"\x93\x02\xc7\x0c\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01", b"\xa2ab",
    b"\x82\x02\x01\x03\x02", b"\x91\x01", b"\x96\x01\x00\x80\x80\x80\x00", b"\x96\x01\x00\x80\x80\x80\xff", b"\x97\x01\x00\x80\x80\x80\x00\x00",
    b"\x96\x02\x00\x80\x80\x80\x00", b"\x96\xc3\x00\x80\x80\x80\x00", b"\x96\x01\xc0\x80\x80\x80\x00", b"\x92\x02", b"\x92\x01",
]  # fmt: skip
"""MessagePack, and nearly."""
