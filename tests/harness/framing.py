"""Requests whose framing servers and proxies read differently, and proper ones beside them: the table of test_framing.

A row that is refused or closed must be the last request of its connection; behind one that is served the next is."""
from typing import NamedTuple

HOST = b"Host: x\r\n"
SIGNED = b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
CLOSE = b"Connection: close\r\n"

REFUSED, CLOSED, SERVED, EITHER = "refused", "closed", "served", "either"


class Row(NamedTuple):
    group: str
    name: str
    raw: tuple     # fragments, sent with a pause between them
    # REFUSED: an error or nothing, and closed; CLOSED: answered as it asks, and closed; SERVED: and the next one too;
    # EITHER: refused and closed, or served and the next one too
    want: str
    statuses: set  # that may answer it
    proper: bool   # the standard allows it

    @property
    def id(self):
        return f"{self.group}: {self.name}"


def rows(group, want, statuses, table, proper=None):
    """table: name -> bytes, or (bytes, other statuses), or a list of fragments."""
    for name, entry in table.items():
        raw, answers = entry if isinstance(entry, tuple) else (entry, statuses)
        yield Row(group, name, tuple(raw) if isinstance(raw, list) else (raw,), want, answers,
                  want == SERVED if proper is None else proper)


def post(headers, body=b"hello"):
    return b"POST /webhook HTTP/1.1\r\n" + HOST + SIGNED + headers + b"\r\n" + body


def get(headers=b"", line=b"GET /livez HTTP/1.1", host=HOST, body=b""):
    return line + b"\r\n" + host + headers + b"\r\n" + body


def lengths(*values):
    return b"".join(b"Content-Length: " + one + b"\r\n" for one in values)


def coding(value, more=b""):
    return post(b"Transfer-Encoding: " + value + b"\r\n" + more, HELLO)


def cut(raw, *marks):
    """Fragments of raw, cut behind each mark."""
    pieces = []
    for mark in marks:
        head, found, raw = raw.partition(mark)
        assert found, mark
        pieces.append(head + found)
    return [*pieces, raw]


LENGTH = {
    "5 then 43": post(lengths(b"5", b"43")),
    "43 then 5": post(lengths(b"43", b"5")),
    "5 twice": post(lengths(b"5", b"5")),
    "5 then 43, another header between": post(b"Content-Length: 5\r\nX-A: b\r\nContent-Length: 43\r\n"),
    "5 then 43, names in other letters": post(b"Content-Length: 5\r\ncontent-length: 43\r\n"),
    "a list": post(lengths(b"5, 5")),
    "a list of two": post(lengths(b"5, 43")),
    "plus": post(lengths(b"+5")),
    "negative": post(lengths(b"-1")),
    "negative past 64 bits": post(lengths(b"-18446744073709551611")),
    "hex": post(lengths(b"0x5")),
    "a space inside": post(lengths(b"1 0")),
    "empty": (post(lengths(b"")), {400, 411}),
    "a word": post(lengths(b"five")),
    "digits, then a letter": post(lengths(b"5x")),
    "fraction": post(lengths(b"5.0")),
    "exponent": post(lengths(b"5e0")),
    "digits of another script": post(lengths("５".encode())),
    "2^64": (post(lengths(b"18446744073709551616")), {400, 413}),
    "2^64-1": (post(lengths(b"18446744073709551615")), {400, 413}),
    "2^64+5": (post(lengths(b"18446744073709551621")), {400, 413}),
    "2^63": (post(lengths(b"9223372036854775808")), {400, 413}),
    "400 digits": (post(lengths(b"9" * 400)), {400, 413}),
    "underscore in the name": (post(b"Content_Length: 5\r\n"), {400, 411}),
    "space in the name": post(b"Content Length: 5\r\n"),
    "space before the colon": post(b"Content-Length : 5\r\n"),
    "tab before the colon": post(b"Content-Length\t: 5\r\n"),
    "NUL after the digits": post(lengths(b"5\0")),
    "vertical tab before the digits": post(lengths(b"\x0b5")),
}
CODING = {
    "chunked and a length": post(CHUNKED + lengths(b"4"), HELLO),
    "a length and chunked": post(lengths(b"4") + CHUNKED, HELLO),
    "chunked and a length of 0": post(CHUNKED + lengths(b"0"), HELLO),
    "chunked twice": post(CHUNKED * 2, HELLO),
    "identity line, chunked line": post(b"Transfer-Encoding: identity\r\n" + CHUNKED, HELLO),
    "xchunked": (coding(b"xchunked"), {400, 501}),
    "gzip, chunked": (coding(b"gzip, chunked"), {400, 501}),
    "chunked, identity": (coding(b"chunked, identity"), {400, 501}),
    "chunked, chunked": (coding(b"chunked, chunked"), {400, 501}),
    "identity, chunked": (coding(b"identity, chunked"), {400, 501}),
    "identity": (coding(b"identity", lengths(b"5")), {400, 501}),
    "empty": (coding(b"", lengths(b"5")), {400, 501}),
    "in quotes": (coding(b'"chunked"'), {400, 501}),
    "with a parameter": (coding(b"chunked;a=b"), {400, 501}),
    "with a comma": (coding(b"chunked,"), {400, 501}),
    "behind a vertical tab": (coding(b"\x0bchunked"), {400, 501}),
    "before a vertical tab": (coding(b"chunked\x0b"), {400, 501}),
    "before a NUL": (coding(b"chunked\0"), {400, 501}),
    "behind a no-break space": (coding(b"\xa0chunked"), {400, 501}),
    "space before the colon": post(b"Transfer-Encoding : chunked\r\n" + lengths(b"5"), HELLO),
    "tab before the colon": post(b"Transfer-Encoding\t: chunked\r\n" + lengths(b"5"), HELLO),
    "underscore in the name": post(b"Transfer_Encoding: chunked\r\n" + lengths(b"5"), HELLO),
    "a full stop in the name": post(b"Transfer.Encoding: chunked\r\n" + lengths(b"5"), HELLO),
    "in HTTP/1.0": post(CHUNKED, HELLO).replace(b"HTTP/1.1", b"HTTP/1.0"),
}
LINES = {
    "fold": get(b"X-A: one\r\n two\r\n"),
    "fold with a tab": get(b"X-A: one\r\n\ttwo\r\n"),
    "fold that forges a length": post(b"Content-Len: 5\r\n gth\r\n"),
    "forging, made up for by missing spaces": b"POST /webhook HTTP/1.1\r\nHost:x\r\n" + SIGNED.replace(b": ", b":")
    + b"X-A:b\r\nContent-Len: 5\r\n gth\r\n\r\nhello",
    "forging a coding, made up for": b"POST /webhook HTTP/1.1\r\nHost:x\r\n" + SIGNED.replace(b": ", b":")
    + b"X-A:b\r\nContent-Length:5\r\nTransfer-Enc: chunked\r\n oding\r\n\r\n" + HELLO,
    "fold in Transfer-Encoding": post(b"Transfer-Encoding:\r\n chunked\r\n", HELLO),
    "fold in Content-Length": post(b"Content-Length:\r\n 5\r\n"),
    "fold as the first line": b"GET /livez HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n",
    "fold of nothing as the last line": get(b"X-A: b\r\n \r\n"),
    "bare LF everywhere": get(b"X-A: b\r\n").replace(b"\r\n", b"\n"),
    "bare LF after the request line": get().replace(b"1.1\r\n", b"1.1\n"),
    "bare LF after one header": get(b"X-A: b\nX-C: d\r\n"),
    "bare LF ends the headers": get().replace(b"x\r\n\r\n", b"x\r\n\n"),
    "LF CR": get(b"X-A: b\n\rX-C: d\r\n"),
    "bare CR in a value": get(b"X-A: b\rX-C: d\r\n"),
    "bare CR hides a length": post(b"X-A: b\rContent-Length: 5\r\n" + lengths(b"0")),
    "bare CR everywhere": (get(b"X-A: b\r\n").replace(b"\r\n", b"\r"), {400, 408}),
    "CR CR LF": get(b"X-A: b\r\r\n"),
    "no colon": get(b"nonsense\r\n"),
    "only a colon": get(b":\r\n"),
}
# libmicrohttpd 0.9.75 makes NULs of a line's end before it shows a head: a NUL in place of the CR cannot be told from it.
HIDDEN = {
    "NUL LF": get(b"X-A: b\0\nX-C: d\r\n"),
    "NUL LF behind a length": post(b"Content-Length: 5\0\nX-C: d\r\n"),
    "NUL LF hides a length": post(b"X-A: b\0\nContent-Length: 5\r\n" + lengths(b"0")),
}
BYTES = {
    "NUL in a value": get(b"X-A: ab\0cd\r\n"),
    "NUL in a name": get(b"X\0A: b\r\n"),
    "NUL in the host": get(host=b"Host: x\0y\r\n"),
    "empty name": get(b": v\r\n"),
    "space in a name": get(b"X A: v\r\n"),
    "space before a colon": get(b"X-A : v\r\n"),
    "control in a name": get(b"X\x01A: v\r\n"),
    "8-bit name": get(b"X-\xe4: v\r\n"),
    "bracket in a name": get(b"X[a]: v\r\n"),
    "quote in a name": get(b'X"a": v\r\n'),
    "control in a value": get(b"X-A: a\x01b\r\n"),
    "escape in a value": get(b"X-A: a\x1bb\r\n"),
    "delete in a value": get(b"X-A: a\x7fb\r\n"),
    "two hosts": get(b"Host: y\r\n"),
    "two equal hosts": get(HOST),
    "no host": get(host=b""),
    "empty host": get(host=b"Host:\r\n"),
    "no host in HTTP/1.0": get(line=b"GET /livez HTTP/1.0", host=b""),
    "GET with a body": get(lengths(b"5"), body=b"hello"),
    "GET with chunks": get(CHUNKED, body=HELLO),
    "HEAD with a body": get(lengths(b"5"), line=b"HEAD /livez HTTP/1.1", body=b"hello"),
}
LINE = {
    "space in the path": get(line=b"GET /li vez HTTP/1.1"),
    "two spaces": (get(line=b"GET  /livez HTTP/1.1"), {400, 404}),
    "space after the version": get(line=b"GET /livez HTTP/1.1 "),
    "tab for a space": (get(line=b"GET\t/livez\tHTTP/1.1"), {400, 405, 501}),
    "leading space": (get(line=b" GET /livez HTTP/1.1"), {400, 405, 501}),
    "garbage before": (b"\x00\x01" + get(), {400, 405, 501}),
    "absolute form": get(line=b"GET http://evil/livez HTTP/1.1"),
    "absolute form of ours": get(line=b"GET http://x/livez HTTP/1.1"),
    "asterisk": (get(line=b"OPTIONS * HTTP/1.1"), {400, 405}),
    "authority form": (get(line=b"CONNECT x:80 HTTP/1.1"), {400, 405}),
    "no slash": get(line=b"GET livez HTTP/1.1"),
    "no path": (get(line=b"GET HTTP/1.1"), {400, 404, 505}),
    "control in the path": (get(line=b"GET /li\x01vez HTTP/1.1"), {400, 404}),
    "8-bit path": (get(line=b"GET /livez\xff HTTP/1.1"), {400, 404}),
    "NUL in the path": (get(line=b"GET /livez\0x HTTP/1.1"), {400, 404}),
    "fragment in the path": (get(CLOSE, line=b"GET /livez#x HTTP/1.1"), {400, 404}),
    "HTTP/2.0": (get(line=b"GET /livez HTTP/2.0"), {400, 505}),
    "HTTP/1.9": (get(line=b"GET /livez HTTP/1.9"), {400, 505}),
    "HTTP/0.9": (get(line=b"GET /livez HTTP/0.9"), {400, 505}),
    "HTTP/1.01": (get(line=b"GET /livez HTTP/1.01"), {400, 505}),
    "HTTP/1": (get(line=b"GET /livez HTTP/1"), {400, 505}),
    "http in small letters": (get(line=b"GET /livez http/1.1"), {400, 505}),
    "another protocol": (get(line=b"GET /livez ICE/1.1"), {400, 505}),
    "no version": (get(line=b"GET /livez"), {400, 505}),
    "TLS on the plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n",
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405, 505}),
    "a word of no method": (get(CLOSE, line=b"FOO /livez HTTP/1.1"), {400, 405, 501}),
    "get": (get(CLOSE, line=b"get /livez HTTP/1.1"), {400, 405, 501}),
    "TRACE": (get(CLOSE, line=b"TRACE /livez HTTP/1.1"), {400, 405, 501}),
    "CONNECT of a path": (get(CLOSE, line=b"CONNECT /livez HTTP/1.1"), {400, 405, 501}),
    "%00 in the path": (get(CLOSE, line=b"GET /livez%00x HTTP/1.1"), {400, 404}),
    "%00 in a value of the query": (get(CLOSE, line=b"GET /link?account_linking_token=ab%00cd HTTP/1.1"), {400}),
}
CHUNKS_REFUSED = {
    "size hex": post(CHUNKED, b"0x5\r\nhello\r\n0\r\n\r\n"),
    "size negative": post(CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"),
    "size with plus": post(CHUNKED, b"+5\r\nhello\r\n0\r\n\r\n"),
    "size empty": post(CHUNKED, b"\r\nhello\r\n0\r\n\r\n"),
    "size huge": post(CHUNKED, b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    "longer than its size": post(CHUNKED, b"3\r\nhello\r\n0\r\n\r\n"),
    "no line end after the data": post(CHUNKED, b"5\r\nhello0\r\n\r\n"),
}
CHUNKS_TAKEN = {
    "extension with NUL": post(CHUNKED, b"5;a\0b\r\nhello\r\n0\r\n\r\n"),
    "extension with a bare LF": post(CHUNKED, b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "lines of LF only": post(CHUNKED, b"5\nhello\n0\n\n"),
    "size before a space": post(CHUNKED, b"5 \r\nhello\r\n0\r\n\r\n"),
}
CHUNKS_PROPER = {
    "plain": post(CHUNKED, HELLO),
    "in capitals": post(CHUNKED.replace(b"chunked", b"CHUNKED"), HELLO),
    "extension": (post(CHUNKED, b"5;a=b\r\nhello\r\n0\r\n\r\n"), {400, 403}),
    "size of 22 digits": post(CHUNKED, b"0" * 22 + b"5\r\nhello\r\n0\r\n\r\n"),
    "trailer": post(CHUNKED, b"5\r\nhello\r\n0\r\nX-A: b\r\n\r\n"),
    "trailer with a length": post(CHUNKED, b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"),
}
# Blanks around a value are legal; where the library hides them they are refused with what else may hide there.
SPACES = {
    "length before a space": post(lengths(b"5 ")),
    "length behind two spaces": post(lengths(b"  5")),
    "length behind a tab": post(lengths(b"\t5")),
    "space behind a value": (get(b"X-A: b \r\n"), {200, 400}),
    "two spaces before a value": (get(b"X-A:  b\r\n"), {200, 400}),
    "tab before a value": (get(b"X-A:\tb\r\n"), {200, 400}),
}
SPACES_CHUNKED = {
    "coding before a space": post(CHUNKED.replace(b"\r", b" \r"), HELLO),
    "coding behind two spaces": post(CHUNKED.replace(b": ", b":  "), HELLO),
    "coding behind a tab": post(CHUNKED.replace(b": ", b": \t"), HELLO),
}
FINE = {
    "GET": get(),
    "no space after colons": b"GET /livez HTTP/1.1\r\nHost:x\r\nX-A:b\r\n\r\n",
    "an empty value": get(b"X-A: \r\n"),
    "an empty value without space": get(b"X-A:\r\n"),
    "a tab in a value": get(b"X-A: a\tb\r\n"),
    "8-bit value": get(b"X-A: \xc3\xa4\r\n"),
    "every sign a name may have": get(b"!#$%&'*+-.^_`|~9aZ: b\r\n"),
    "host last": get(b"X-A: b\r\n" + HOST, host=b""),
    "names in capitals": get(b"X-A: b\r\n", host=b"HOST: x\r\n"),
    "a query": get(line=b"GET /livez?a=b HTTP/1.1"),
    "a host with port": get(host=b"Host: [::1]:80\r\n"),
    "an empty line before": b"\r\n" + get(),
    "a length of 0": get(lengths(b"0")),
    "HEAD": get(line=b"HEAD /livez HTTP/1.1"),
    "an expectation nobody knows": (get(b"Expect: banana\r\n"), {200, 417}),
    "method cut": cut(get(), b"G"),
    "method alone": cut(get(), b"GET"),
    "target cut": cut(get(), b"GET /li"),
    "target alone": cut(get(), b"GET ", b"/livez"),
    "target cut three times": cut(get(), b"/", b"li", b"vez"),
    "version cut": cut(get(), b"HTTP/1"),
    "request line alone": cut(get(), b"HTTP/1.1"),
    "request line, CR": cut(get(), b"HTTP/1.1\r"),
    "request line, CR LF": cut(get(), b"HTTP/1.1\r\n"),
    "name cut": cut(get(b"X-Long: b\r\n"), b"X-Lo"),
    "name, colon cut": cut(get(b"X-Long: b\r\n"), b"X-Long", b":"),
    "value cut": cut(get(b"X-Long: value\r\n"), b"X-Long: val"),
    "value, CR cut": cut(get(b"X-Long: value\r\n"), b"value", b"\r"),
    "value, CR LF cut": cut(get(b"X-Long: value\r\n"), b"value\r\n"),
    "end cut": cut(get(b"X-Long: value\r\n"), b"value\r\n", b"\r"),
    "every word by itself": cut(get(b"X-A: b\r\n"), b"GET", b" ", b"/livez", b" ", b"HTTP/1.1", b"\r\n", b"Host", b":"),
}
FINE_BODIES = {
    "POST": post(lengths(b"5")),
    "a length of leading zeros": post(lengths(b"005")),
    "an expectation, the body sent": post(b"Expect: 100-continue\r\n" + lengths(b"5")),
    "body cut": cut(post(lengths(b"5")), b"hel"),
    "body alone": cut(post(lengths(b"5")), b"\r\n\r\n"),
}
# libmicrohttpd 0.9.75 says 100 and hangs up when the next request is there already; one alone is answered.
HASTY = {"an expectation without body, the next already sent": get(CLOSE + b"Expect: 100-continue\r\n")}
LAST = {
    "asked to close": get(CLOSE),
    "HTTP/1.0": get(line=b"GET /livez HTTP/1.0"),
    "close in capitals": get(CLOSE.upper()),
}

TABLE = (
    *rows("Content-Length", REFUSED, {400}, LENGTH), *rows("Transfer-Encoding", REFUSED, {400}, CODING),
    *rows("lines", REFUSED, {400}, LINES), *rows("lines", EITHER, {200, 400, 403}, HIDDEN, False),
    *rows("headers", REFUSED, {400}, BYTES), *rows("request line", REFUSED, {400}, LINE),
    *rows("chunks", REFUSED, {400, 413}, CHUNKS_REFUSED), *rows("chunks", CLOSED, {400, 403, 413}, CHUNKS_TAKEN),
    *rows("chunks", CLOSED, {403}, CHUNKS_PROPER, True), *rows("spaces", EITHER, {400, 403}, SPACES, True),
    *rows("spaces", CLOSED, {400, 403}, SPACES_CHUNKED, True),
    *rows("proper", SERVED, {200}, FINE), *rows("proper", SERVED, {403}, FINE_BODIES),
    *rows("proper", CLOSED, {200}, LAST, True), *rows("proper", REFUSED, {200}, HASTY, True),
)
