"""What HTTP makes of a URL."""

from __future__ import annotations

import base64

import pytest

from whisperwatch.watcher.http_client.address import address
from whisperwatch.watcher.http_client.failures import HttpError


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "target"),
    [
        ("http://host", "host", None, "host", ""),
        ("http://HOST:80/", "host", None, "host", "/"),
        ("https://host:80/a?b=c#d", "host", 80, "host:80", "/a?b=c"),
        ("https://otel_collector:443/", "otel_collector", None, "otel_collector", "/"),
        ("http://[::1]:4318/v1", "::1", 4318, "[::1]:4318", "/v1"),
        ("http://bücher.example/", "xn--bcher-kva.example", None, "xn--bcher-kva.example", "/"),
        ("http://straße.example", "xn--strae-oqa.example", None, "xn--strae-oqa.example", ""),
        ("http://h/ä b/{}\"?q=ü+1&r=%2B%zz'", "h", None, "h", "/%C3%A4%20b/%7B%7D%22?q=%C3%BC+1&r=%2B%25zz'"),
    ],
)
def test_where_it_is(url, host, port, authority, target):
    there = address(url)
    assert (there.host, there.port, there.authority, there.target) == (host, port, authority, target)
    assert there.basic is None


@pytest.mark.parametrize(
    ("user", "pair"),
    [
        ("user:pass", b"user:pass"),
        ("us%20er:p%2F%40", b"us er:p/@"),
        ("user", b"user:"),
        (":pass", b":pass"),
        ("%C3%A4:x", b"\xe4:x"),
        ("%C5%82:x", b"\xc5\x82:x"),
    ],
)
def test_user_and_password(user, pair):
    there = address(f"http://{user}@host/path?key=secret")
    assert there.basic == f"Basic {base64.b64encode(pair).decode()}"
    assert there.shown == "http://host/path"


@pytest.mark.parametrize(
    "url",
    ["ftp://user:secret@host/", "http:///secret", "http://host:x/secret", "http://host:99999/?secret",
     "http://[secret/", "http://u:secret@\u2100.\udc80/", "secret"],
)  # fmt: skip
def test_where_nothing_can_be(url):
    with pytest.raises(HttpError) as raised:
        address(url)
    assert "secret" not in str(raised.value)
