"""Addresses that must never be dialled, in every way a request can name one, and good ones that
must still work. Names are answered here; every socket is watched, and only loopback is reached."""

from __future__ import annotations

import pytest

from botfactory.lib.safe_http import (
    ConnectFailed,
    DnsFailed,
    FetchError,
    Policy,
    UrlNotAllowed,
    fetch,
    open_session,
    parse_networks,
    parse_url,
    post,
)
from tests.doubles.fake_site import LOOPBACK, Reply, serve_site
from tests.lib.safe_http.conftest import ScriptedResolver

V4 = "93.184.216.34"
V6 = "2606:4700::1111"
PRIVATE = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "::/0",
)

NAMES: dict[str, list[list[str]]] = {
    "localhost": [["127.0.0.1"]],
    "localhost.": [["127.0.0.1"]],
    "localhost6.example": [["::1"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "instance-data": [["169.254.169.254"]],
    "127.0.0.1.rebind.example": [["127.0.0.1"]],
    "inside.example": [["10.1.2.3"]],
    "inside6.example": [["fd12::3"]],
    "mapped.example": [["::ffff:10.0.0.1"]],
    "mixed.example": [[V4, "10.0.0.1"]],
    "mixed-last.example": [["192.168.0.1", V4]],
    "mixed6.example": [[V6, "::1"]],
    "mixed-nat64.example": [[V4, "64:ff9b::a00:1"]],
    "alias.example": [["inside.example"]],
    "zone.example": [["fe80::1%1"]],
    "rebinding.example": [[V4], ["127.0.0.1"]],
    "public.example": [[V4]],
    "four.example": [[V4, "1.1.1.1"]],
    "six.example": [[V6]],
    "dual.example": [[V6, V4]],
    "xn--bcher-kva.example": [[V4]],
    "xn--pple-43d.example": [[V4]],
}

# Rows 1-37 of the hostile inputs: what a person, a link, a sitemap or a redirect may name.
NUMBERS = [
    "http://127.0.0.1/",
    "http://127.0.0.1:80/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7F.0x0.0x0.0x1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.01/",
    "http://0/",
    "http://0.0.0.0/",
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.0.0.1/",  # noqa: RUF001 - the confusable digits are the point
    "http://127。0。0。1/",
    "http://127.0.0.1./",
    "http://١٢٧.٠.٠.١/",  # noqa: RUF001
    "http://4294967297/",
    "http://127.0.0.1%00.example.com/",
    "http://%31%32%37.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
]
VERSION_6 = [
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    f"http://[::{V4}]/",
    "http://[::ffff:0:127.0.0.1]/",
    f"http://[::ffff:0:{V4}]/",
    "http://[fec0::1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[fe80::1%251]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b:1::]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[64:ff9b:1:7f00:0:100::]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:c0a8:101::1]/",
    "http://[2001:0:7f00:1::]/",
    "http://[2001:0:5db8:d822:0:0:80ff:fffe]/",
    "http://[2a00:1450:4001::5efe:7f00:1]/",
    "http://[2a00:1450:4001::200:5efe:a00:1]/",
    "http://[fe80::5efe:7f00:1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[ff02::1]/",
    "http://[::1%25lo]/",
]
METADATA = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2a00:1450:4001::5efe:a9fe:a9fe]/",
    "http://169.254.170.2/",
    "http://169.254.0.23/",
    "http://169.254.42.42/",
    "http://[fd00:ec2::254]/",
    "http://[fd00:ec2::23]/",
    "http://[fd20:ce::254]/",
    "http://[fd00:42::42]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://METADATA.google.internal./",
    "http://metadata.goog/",
    "http://instance-data/latest/",
]
RANGES = [
    "http://0.1.2.3/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://169.254.1.1/",
    "http://192.0.0.8/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
]
NAMED = [
    "http://127.0.0.1.rebind.example/",
    "http://localhost6.example/",
    "http://inside.example/",
    "https://inside.example/",
    "http://inside6.example/",
    "http://mapped.example/",
    "http://mixed.example/",
    "http://mixed-last.example/",
    "http://mixed6.example/",
    "http://mixed-nat64.example/",
    "http://alias.example/",
    "http://zone.example/",
]
SCHEMES = [
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/stat",
    "ftp://public.example/x",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "data:text/html,x",
    "javascript:alert(1)",
    "ws://public.example/",
    "tcp://public.example:80/",
    "jar:http://public.example!/",
    "blob:http://public.example/1",
    "netdoc:///etc/passwd",
]
PORTS = [
    *(f"http://public.example:{port}/" for port in (22, 25, 6379, 6333, 5432, 8080, 0, 65_536)),
    f"https://{V4}:8443/",
    f"http://[{V6}]:11211/",
]
TRICKS = [
    "http://user:pw@public.example/",
    "http://public.example@127.0.0.1/",
    "http://127.0.0.1@public.example/",
    "http://@127.0.0.1/",
    f"http://{V4}#@127.0.0.1",
    f"http://{V4}#@127.0.0.1/",
    f"http://{V4} &@127.0.0.1# @10.0.0.1/",
    f"http://{V4}\\@127.0.0.1/",
    "http://a\\@b/",
    "http://127.0.0.1\\.public.example/",
    "http://public.example\\.inside.example/",
    "http://pub\tlic.example/",
    "http://public.example\r\nHost: inside.example/",
    "http://public.example /",
    "http://public.example%0d%0a/",
    "http://public.example%2f@127.0.0.1/",
    "http://public%E3%80%82example/",
    "http://127.0.0.1:80:80/",
    "http://public.example:80@127.0.0.1:80/",
    "http://public.example:８０/",  # noqa: RUF001
    "http:/127.0.0.1/",
    "http:127.0.0.1",
    "http:///127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "//127.0.0.1/",
    "http://[::1",
    "http://[::1]@public.example/",
    "http://[public.example]/",
    "http://[::ffff:127.0.0.1].public.example/",
    "http://public.example／@127.0.0.1/",  # noqa: RUF001
    "http://127.0.0.1／public.example/",  # noqa: RUF001
    "http://inside.example℀public.example/",
    "http://inside.example⁄x/",  # noqa: RUF001
    "http://a..b/",
    "http://.public.example/",
    "http://public.example../",
    "http://" + "a" * 64 + ".example/",
    "http://" + "ü" * 60 + ".example/",
    "http://" + ".".join(["abcdefghi"] * 30) + "/",
    "http://-public.example/",
    "http://public.example\u2028/",
    "http://public\u202eexample/",
    "http://",
    "",
]
FORBIDDEN = [
    *NUMBERS,
    *VERSION_6,
    *METADATA,
    *RANGES,
    *NAMED,
    *SCHEMES,
    *PORTS,
    *TRICKS,
]

# The redirecting server itself stands on 127.0.0.1, so ends that mean this address are allowed
# there; the others are read as paths of that server when they stand in a Location.
START = Policy(allowed_networks=parse_networks(("127.0.0.1/32",)))
LEFT_OUT_AS_REDIRECT = frozenset(
    {
        "http://127.0.0.1/",
        "http://127.0.0.1:80/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2a00:1450:4001::5efe:7f00:1]/",
        "http://127.0.0.1.rebind.example/",
        "http:/127.0.0.1/",
        "http:127.0.0.1",
        "http:///127.0.0.1/",
        "//127.0.0.1/",
        "http://",
        "",
    }
)

ALLOWED: list[tuple[str, list[str]]] = [
    ("http://public.example/", [V4]),
    ("https://public.example/", [V4]),
    ("http://public.example:80/", [V4]),
    ("https://public.example:443/", [V4]),
    ("http://PUBLIC.example/path?q=http://127.0.0.1/#@127.0.0.1", [V4]),
    ("http://public.example/@127.0.0.1/", [V4]),
    ("http://public.example/?next=//10.0.0.1\\@x", [V4]),
    ("http://public.example/%00%0d%0a", [V4]),
    ("http://public。example/", [V4]),
    ("http://ｐｕｂｌｉｃ.example/", [V4]),  # noqa: RUF001
    ("http://b\u00fccher.example/", [V4]),
    ("http://xn--bcher-kva.example/", [V4]),
    ("http://\u0430pple.example/", [V4]),
    (f"http://{V4}/", [V4]),
    ("http://1.1.1.1/", ["1.1.1.1"]),
    ("http://100.128.0.1/", ["100.128.0.1"]),
    ("http://172.32.0.1/", ["172.32.0.1"]),
    ("http://192.0.1.1/", ["192.0.1.1"]),
    ("http://223.255.255.1/", ["223.255.255.1"]),
    (f"http://[{V6}]/", [V6]),
    ("http://[2606:4700:0:0:0:0:0:1111]/", [V6]),
    ("http://[2a00:1450:4001:800::200e]/", ["2a00:1450:4001:800::200e"]),
    ("http://[64:ff9b::5db8:d822]/", ["64:ff9b::5db8:d822"]),
    (f"http://[64:ff9b::{V4}]/", ["64:ff9b::5db8:d822"]),
    (f"http://[::ffff:{V4}]/", ["::ffff:5db8:d822", f"::ffff:{V4}"]),
    ("http://six.example/", [V6]),
    ("http://four.example/", [V4, "1.1.1.1"]),
    ("http://dual.example/", [V6, V4]),
    ("http://rebinding.example/", [V4]),
]


def test_the_matrix_is_large_enough_and_has_no_vector_twice() -> None:
    assert len(FORBIDDEN) == len(set(FORBIDDEN)) >= 69
    assert len(ALLOWED) >= 20


@pytest.mark.parametrize("url", FORBIDDEN)
async def test_a_forbidden_address_is_refused_before_any_dial(url: str, dials: list[str]) -> None:
    resolver = ScriptedResolver(NAMES)
    async with open_session(Policy(), resolver=resolver) as session:
        with pytest.raises(FetchError) as fetched:
            await fetch(session, url, policy=Policy())
        with pytest.raises(FetchError) as posted:
            await post(session, url, policy=Policy(), body=b"{}")
    assert {fetched.value.code, posted.value.code} <= {"url_not_allowed", "url_invalid"}
    assert not fetched.value.retryable
    assert dials == []


@pytest.mark.parametrize("url", [one for one in FORBIDDEN if one not in LEFT_OUT_AS_REDIRECT])
async def test_a_forbidden_address_is_refused_as_the_end_of_a_redirect(
    url: str, dials: list[str]
) -> None:
    pages = {"/": Reply(status=302, headers={"Location": url.replace("\r\n", "%0d%0a")})}
    resolver = ScriptedResolver(NAMES)
    async with serve_site(pages) as site, open_session(START, resolver=resolver) as session:
        with pytest.raises(FetchError) as caught:
            await fetch(session, site.url("/"), policy=START)
        assert site.hits.total() == 1
    assert caught.value.code in ("url_not_allowed", "url_invalid")
    assert set(dials) == {"127.0.0.1"}


@pytest.mark.parametrize("url", METADATA)
async def test_metadata_stays_closed_when_the_operator_allows_private_ranges(
    url: str, dials: list[str]
) -> None:
    policy = Policy(allowed_networks=parse_networks(PRIVATE))
    async with open_session(policy, resolver=ScriptedResolver(NAMES)) as session:
        with pytest.raises(UrlNotAllowed):
            await fetch(session, url, policy=policy)
    assert dials == []


@pytest.mark.parametrize("url", [*NUMBERS, *VERSION_6, *METADATA, *RANGES, *NAMED])
async def test_a_session_used_without_fetch_dials_nothing_closed_either(
    url: str, dials: list[str]
) -> None:
    """Engines stream on the session itself, past the checks of the address's text."""
    async with open_session(Policy(), resolver=ScriptedResolver(NAMES)) as session:
        with pytest.raises((UrlNotAllowed, ValueError, OSError)):
            await session.get(url, allow_redirects=False)
    assert dials == []


@pytest.mark.parametrize(("url", "checked"), ALLOWED)
async def test_a_good_address_is_dialled_exactly_where_it_was_checked(
    url: str, checked: list[str], dials: list[str]
) -> None:
    resolver = ScriptedResolver(NAMES)
    async with open_session(Policy(), resolver=resolver) as session:
        with pytest.raises(ConnectFailed):
            await fetch(session, url, policy=Policy())
    assert dials
    assert set(dials) <= set(checked)
    assert len(resolver.asked) == len(set(resolver.asked)) <= 1


async def test_rebinding_finds_one_lookup_and_the_checked_address(dials: list[str]) -> None:
    resolver = ScriptedResolver(NAMES)
    async with open_session(Policy(), resolver=resolver) as session:
        for _ in range(2):
            with pytest.raises(ConnectFailed):
                await fetch(session, "http://rebinding.example/", policy=Policy())
    assert resolver.asked == ["rebinding.example"]
    assert set(dials) == {V4}


async def test_a_name_with_two_families_falls_back_from_one_to_the_other(dials: list[str]) -> None:
    async with open_session(Policy(), resolver=ScriptedResolver(NAMES)) as session:
        with pytest.raises(ConnectFailed):
            await fetch(session, "http://dual.example/", policy=Policy())
    assert sorted(dials) == sorted([V6, V4])


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://\u0430pple.example/", "http://xn--pple-43d.example/"),
        ("http://p\u0430yp\u0430l.example/", "http://xn--pypl-53dc.example/"),
        ("http://b\u00fccher.example/", "http://xn--bcher-kva.example/"),
        ("http://stra\u00dfe.example/", "http://xn--strae-oqa.example/"),
    ],
)
def test_look_alike_letters_are_shown_as_punycode(url: str, shown: str) -> None:
    assert str(parse_url(url)) == shown


async def test_a_redirect_from_https_to_http_carries_no_secret(dials: list[str]) -> None:
    """A downgrade is another origin; that it is one is asked of the URLs, as no test has TLS."""
    from botfactory.lib.safe_http import origin_of

    assert origin_of(parse_url("https://a.example/")) != origin_of(parse_url("http://a.example/"))
    assert origin_of(parse_url("http://a.example/")) == origin_of(parse_url("http://A.example:80"))
    assert dials == []


async def test_each_hop_of_a_chain_is_looked_up_and_checked(dials: list[str]) -> None:
    names = {"one.example": [["127.0.0.1"]], "two.example": [["127.0.0.1"], ["10.0.0.1"]]}
    async with serve_site({}) as site:
        port = site.base.rpartition(":")[2]
        site.pages = {
            "/": Reply(status=302, headers={"Location": f"http://two.example:{port}/a"}),
            "/a": Reply(status=302, headers={"Location": f"http://three.example:{port}/b"}),
        }
        resolver = ScriptedResolver({**names, "three.example": [["10.0.0.1"]]})
        async with open_session(LOOPBACK, resolver=resolver) as session:
            with pytest.raises(UrlNotAllowed):
                await fetch(session, f"http://one.example:{port}/", policy=LOOPBACK)
        assert site.hits == {"/": 1, "/a": 1}
    assert resolver.asked == ["one.example", "two.example", "three.example"]
    assert set(dials) == {"127.0.0.1"}


@pytest.mark.parametrize("name", ["unknown.example", "nothing.example"])
async def test_a_name_without_addresses_may_be_tried_again(name: str, dials: list[str]) -> None:
    resolver = ScriptedResolver({"nothing.example": [[]]})
    async with open_session(Policy(), resolver=resolver) as session:
        with pytest.raises(DnsFailed) as caught:
            await fetch(session, f"http://{name}/", policy=Policy())
    assert caught.value.retryable
    assert dials == []
