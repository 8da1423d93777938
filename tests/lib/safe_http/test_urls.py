from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from botfactory.lib.safe_http import FetchError, UrlInvalid, UrlNotAllowed, join_url, parse_url

DISGUISED = [
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://0/",
    "http://127.0.0.1./",
    "http://①②⑦.⓪.⓪.①/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://127。0。0。1/",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://METADATA.google.internal./",
]
OTHER_SCHEMES = [
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "dict://127.0.0.1:11211/stat",
    "ftp://example.com/x",
    "unix:///var/run/docker.sock",
    "data:text/html,x",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "ws://example.com/",
]
BROKEN = [
    "",
    "   ",
    "example.com",
    "//example.com/x",
    "http:/example.com",
    "http://",
    "http:///path",
    "http://user:pw@example.com/",
    "http://user@example.com/",
    "http://a\\@b/",
    "http://example.com\\@127.0.0.1/",
    "http://1.2.3.4#@127.0.0.1",
    "http://exa%00mple.com/",
    "http://exa\x00mple.com/",
    "http://exa\tmple.com/",
    "http://exam\r\nple.com/",
    "http://exa mple.com/",
    "http://example.com:0/",
    "http://example.com:99999/",
    "http://example.com:\uff18\uff10/",
    "http://example.com:80:80/",
    "http://a..b/",
    "http://.example.com/",
    "http://-a.example.com/",
    "http://" + "a" * 64 + ".com/",
    "http://" + ".".join(["abcdefghi"] * 30) + "/",
    "http://[::1/",
    "http://[1::2::3]/",
    "http://[::1]x/",
    "http://xn--\u0130.com/",
    "https://example.com/" + "a" * 3_000,
    "http://example.com/\ud800",
]


@pytest.mark.parametrize("text", DISGUISED + OTHER_SCHEMES)
def test_it_refuses_disguised_hosts_and_other_schemes(text: str) -> None:
    with pytest.raises(UrlNotAllowed):
        parse_url(text)


@pytest.mark.parametrize("text", BROKEN)
def test_it_says_what_is_no_address(text: str) -> None:
    with pytest.raises(UrlInvalid) as caught:
        parse_url(text)
    assert caught.value.code == "url_invalid"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://Example.COM", "https://example.com/"),
        ("  https://example.com/a?b=c#d \n", "https://example.com/a?b=c"),
        ("http://example.com:80/", "http://example.com/"),
        ("http://example.com:8000/a b", "http://example.com:8000/a%20b"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        (
            "https://\u0440\u0430.example/",
            "https://xn--80a5a.example/",
        ),  # homograph: shown as punycode
        ("http://93.184.216.34/", "http://93.184.216.34/"),
        ("http://[2606:4700:0::1111]:443/", "http://[2606:4700::1111]:443/"),
        ("http://under_score.example/", "http://under_score.example/"),
        ("http://example.com/%2Fx?q=a@b.c", "http://example.com/%2Fx?q=a@b.c"),
        ("http://example.com/?x=a\\b", "http://example.com/?x=a%5Cb"),
    ],
)
def test_it_gives_one_plain_form(text: str, expected: str) -> None:
    assert str(parse_url(text)) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("/b", "https://example.com/b"),
        ("c?x=1", "https://example.com/a/c?x=1"),
        ("//other.example/x", "https://other.example/x"),
        ("http://Other.example", "http://other.example/"),
    ],
)
def test_a_reference_is_joined_to_its_page(reference: str, expected: str) -> None:
    assert str(join_url(URL("https://example.com/a/"), reference)) == expected


@pytest.mark.parametrize("reference", ["file:///etc/passwd", "//2130706433/", "http://[x"])
def test_a_reference_is_judged_like_any_address(reference: str) -> None:
    with pytest.raises(FetchError):
        join_url(URL("https://example.com/a/"), reference)


@given(st.text(max_size=40))
def test_any_host_text_gives_a_url_or_a_typed_error(host: str) -> None:
    try:
        url = parse_url(f"http://{host}/")
    except FetchError:
        return
    assert url.raw_host
    assert url.raw_host.isascii()
    assert parse_url(str(url)) == url
