"""The settings of the stores that are asked: what becomes of them, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from whisperwatch.watcher.settings import Settings, load
from whisperwatch.watcher.settings.stores import NAMES, StoreTarget


def settings_of(**environ: str) -> Settings:
    return load(environ, Path("/"))


def prometheus(**environ: str) -> StoreTarget:
    settings = settings_of(PROMETHEUS_URL="http://prometheus:9090", **environ)
    assert settings.problems == ()
    return settings.stores["prometheus"]


def problem(**environ: str) -> str:
    (found,) = settings_of(**environ).problems
    return str(found)


def test_none_is_asked_where_none_is_set():
    assert settings_of().stores == {}
    assert settings_of(PROMETHEUS_USERNAME="u", LOKI_TENANT="t").stores == {}


@pytest.mark.parametrize("name", NAMES)
def test_each_has_an_address_of_its_own(name):
    settings = settings_of(
        **{f"{name.upper()}_URL": f"https://{name}:1234/api/", f"{name.upper()}_TIMEOUT": "3s"}
    )
    assert settings.problems == ()
    assert list(settings.stores) == [name]
    target = settings.stores[name]
    assert (target.url, target.headers, target.timeout_s) == (f"https://{name}:1234/api", (), 3.0)


def test_who_asks():
    assert prometheus(PROMETHEUS_USERNAME="me", PROMETHEUS_PASSWORD="päss").headers == (
        ("Authorization", "Basic bWU6cMOkc3M="),
    )
    assert prometheus(PROMETHEUS_BEARER_TOKEN="abc").headers == (("Authorization", "Bearer abc"),)
    assert prometheus(PROMETHEUS_TENANT="team").headers == (("X-Scope-OrgID", "team"),)
    assert prometheus(PROMETHEUS_HEADERS="x-key=a%20b").headers == (("x-key", "a b"),)


def test_the_settings_of_a_name_win_over_a_header_that_says_the_same():
    told = prometheus(PROMETHEUS_HEADERS="authorization=Other,x-a=b", PROMETHEUS_BEARER_TOKEN="abc")
    assert told.headers == (("x-a", "b"), ("Authorization", "Bearer abc"))


def test_a_secret_in_a_file(tmp_path):
    (tmp_path / "password").write_text("from the file\n")
    told = prometheus(PROMETHEUS_USERNAME="me", PROMETHEUS_PASSWORD_FILE=str(tmp_path / "password"))
    assert told.headers == (("Authorization", "Basic bWU6ZnJvbSB0aGUgZmlsZQ=="),)


def test_tls(tmp_path):
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text("")
    paths = {name: str(tmp_path / name) for name in ("ca", "cert", "key")}
    told = prometheus(
        PROMETHEUS_CA_FILE=paths["ca"],
        PROMETHEUS_CLIENT_CERTIFICATE=paths["cert"],
        PROMETHEUS_CLIENT_KEY=paths["key"],
    )
    assert (told.ca_file, told.client_certificate, told.client_key) == tuple(paths.values())


def test_secrets_are_not_shown():
    settings = settings_of(
        PROMETHEUS_URL="http://user:hidden1@prometheus", LOKI_URL="http://loki", LOKI_BEARER_TOKEN="hidden2"
    )
    assert settings.stores["prometheus"].shown == "http://***@prometheus"
    assert "hidden" not in repr(settings.stores)
    assert settings.secrets()["LOKI_BEARER_TOKEN"] == "hidden2"


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("prometheus:9090", "is no http or https URL"),
        ("ftp://prometheus", "is no http or https URL"),
        ("http://", "is no http or https URL"),
        ("http://prometheus:99999", "has a port that is none"),
        ("http://prometheus/?a=b", "has a query or a fragment"),
    ],
)
def test_a_wrong_address_is_said_and_nobody_is_asked(address, wrong):
    assert wrong in problem(PROMETHEUS_URL=address)
    assert settings_of(PROMETHEUS_URL=address).stores == {}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"PROMETHEUS_PASSWORD": "secret"}, "PROMETHEUS_PASSWORD=(not shown) is set, but …_USERNAME is not"),
        (
            {"PROMETHEUS_BEARER_TOKEN": "secret", "PROMETHEUS_USERNAME": "me"},
            "PROMETHEUS_BEARER_TOKEN=(not shown) and …_USERNAME are both set",
        ),
        ({"PROMETHEUS_CLIENT_KEY": __file__}, "PROMETHEUS_CLIENT_KEY=(not shown) is set, but"),
        ({"PROMETHEUS_TIMEOUT": "soon"}, "PROMETHEUS_TIMEOUT=soon is no duration"),
        ({"PROMETHEUS_CA_FILE": "/nowhere"}, "PROMETHEUS_CA_FILE=/nowhere"),
    ],
)
def test_what_does_not_go_together_is_said(more, said):
    text = problem(PROMETHEUS_URL="http://prometheus", **more)
    assert said in text
    assert "secret" not in text


def test_an_address_with_credentials_speaks_for_itself():
    environ = {"PROMETHEUS_URL": "http://user:secret@prometheus", "PROMETHEUS_BEARER_TOKEN": "other"}
    assert "PROMETHEUS_URL=(not shown) and …_BEARER_TOKEN both say who asks" in problem(**environ)
    assert settings_of(**environ).stores["prometheus"].headers == ()


@pytest.mark.parametrize("matcher", ['job="bots/one"', 'job=~"a|b"', 'cluster != "x"', r'job="a\"b"'])
def test_the_matcher_of_our_series(matcher):
    settings = settings_of(PROMETHEUS_MATCH=matcher)
    assert (settings.match, settings.problems) == (matcher, ())


@pytest.mark.parametrize(
    "matcher", ["job", "job=x", 'job="a"} or up{x="', '{job="a"}', 'job="a", b="c"', 'job="\\"']
)
def test_what_is_no_matcher_is_no_syntax_either(matcher):
    assert "is no label matcher" in problem(PROMETHEUS_MATCH=matcher)
    assert settings_of(PROMETHEUS_MATCH=matcher).match is None
