"""What is taken out, what is left alone, and that nothing can make it slow or let a value through unseen."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whisperwatch.watcher.redaction import Redactor
from whisperwatch.watcher.redaction.redactor import FAILED
from whisperwatch.watcher.redaction.sql import sanitized

HEX = "0123456789abcdef"
WORDS = "abcdEFGH1234ijklMNOP5678"
BOT = base64.b64encode(b"198622483471925248").decode()
TOKEN = f"{BOT}.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{WORDS}\n{WORDS}\n-----END RSA PRIVATE KEY-----"

SECRETS = {
    "a bot's token": (TOKEN, "discord_token"),
    "a token in a sentence": (f"logging in with {TOKEN}.", "discord_token"),
    "a token that hides no id": ("MTk4Njxx.IyNDgzNDcxOTI1.Cl2FMQZnCjm1XVW7vRze4b7Cq4se7kKWs", None),
    "an mfa token": ("mfa.VkO_2G4Qv3T--NO--lWetW_tjND--TOKEN--QFTm6YGtzq9PH--4U--tG0", "discord_token"),
    "a webhook": (f"https://discord.com/api/webhooks/123456789012345678/{WORDS}", "discord_webhook"),
    "a webhook of the canary": (f"https://canary.discord.com/api/v10/webhooks/1234/{WORDS}?wait=1", "discord_webhook"),
    "a followup's route": (f"/webhooks/123456789012345678/{WORDS}/messages/@original", "discord_webhook"),
    "a callback's route": (f"/interactions/123456789012345678/{WORDS}/callback", "interaction_token"),
    "an interaction's token": (base64.b64encode(b"interaction:123456789012345678:abc").decode(), "interaction_token"),
    "openai": (f"sk-{WORDS}", "api_key"),
    "openai of a project": (f"Incorrect API key provided: sk-proj-{WORDS}_x-y.", "api_key"),
    "anthropic": (f"sk-ant-api03-{WORDS}-AA", "api_key"),
    "aws": ("AKIAIOSFODNN7EXAMPLE", "api_key"),
    "github": (f"ghp_{WORDS}", "api_key"),
    "github, fine-grained": (f"github_pat_{WORDS}_{WORDS}", "api_key"),
    "gitlab": (f"glpat-{WORDS}", "api_key"),
    "slack": ("xoxb-123456789012-abcdefghij", "api_key"),
    "google": (f"AIza{WORDS}12345678901", "api_key"),
    "stripe": (f"sk_live_{WORDS}", "api_key"),
    "huggingface": (f"hf_{WORDS}", "api_key"),
    "telegram": (f"123456789:AA{WORDS}{WORDS[:9]}", "api_key"),
    "sendgrid": (f"SG.{WORDS}.{WORDS}", "api_key"),
    "twilio": (f"SK{HEX}{HEX}", "api_key"),
    "npm": (f"npm_{WORDS}{WORDS[:12]}", "api_key"),
    "pypi": (f"pypi-{WORDS}", "api_key"),
    "a jwt": (f"got {JWT} back", "jwt"),
    "a bearer": (f"Authorization failed for Bearer {WORDS}", "authorization"),
    "basic": ("with Basic dXNlcjpodW50ZXIy", "authorization"),
    "a password": ("password=hunter2", "secret"),
    "a password in JSON": ('{"user": "ada", "password": "hunter2 and more"}', "secret"),
    "a password in libpq's form": ("host=db user=bot password='hunter2'", "secret"),
    "a key in YAML": ("api_key: abcdef", "secret"),
    "a header": ("{'X-Api-Key': 'abcdefgh'}", "secret"),
    "an authorization header": ("authorization: Token abcdefgh", "secret"),
    "a token in a query": ("https://example.org/x?access_token=abcdefgh&page=2", "secret"),
    "a signature in a query": ("https://example.org/x?sig=abcdefgh%3D&page=2", "secret"),
    "a variable": ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "secret"),
    "a value cut short": ('{"token": "abcdefgh and', "secret"),
    "a value cut short in an escape": ("{'password': 'hunter2 and \\", "secret"),
    "a long value": (f'{{"password": "{"hunter2 " * 1000}"}}', "secret"),
    "an option": ("psql --password hunter2 -U ada", "secret"),
    "an option with quotes": ("bot --discord-token 'abcdefgh ijkl' --verbose", "secret"),
    "a password in a sentence": ("Your new password is hunter22, ada", "secret"),
    "cookies": ("Set-Cookie: session=abc; path=/", "cookie"),
    "postgres": ("could not connect to postgres://bot:hunter2@db:5432/bot", "credentials"),
    "redis": ("redis://:hunter2@cache:6379/0", "credentials"),
    "amqp": ("amqp://guest:guest@mq//", "credentials"),
    "a password with a slash": ("postgresql+asyncpg://bot:hun/ter2@db/bot", "credentials"),
    "a password with an at": ("postgresql://bot:hun@ter2@db/bot", "credentials"),
    "a password with both": ("mysql://bot:hun@h/ter2@db:3306/bot", "credentials"),
    "a password that ends so": ("mysql://bot:hun@hunter2/@db:3306/bot", "credentials"),
    "two URLs": ("amqp://bot:hunter2@mq1,amqp://bot:hunter2@mq2", "credentials"),
    "a short password of an option": ("started with --password abc12 at", "secret"),
    "a password of a longer option": ("started with --db-password s3cr at", "secret"),
    "a password behind a colon": ("Password is: hunter2", "secret"),
    "a URL without a scheme": ("no answer of bot:hunter2@db:5432/bot", "credentials"),
    "a URL without a scheme and port": ("bot:hun@ter2@db/bot", "credentials"),
    "a token as the user": (f"https://{WORDS}@git.example.org/x", "credentials"),
    "a private key": (KEY, "private_key"),
    "a private key cut short": (KEY[:60], "private_key"),
    "an e-mail": ("ada.lovelace+bots@mail.example.co.uk wrote", "email"),
    "a card": ("paid with 4111 1111 1111 1111", "card"),
    "a card without spaces": ("5500005555555559", "card"),
}  # fmt: skip

HARMLESS = (
    "INFO mybot.cogs.talk: replied in 153 ms, 1532 prompt tokens, total tokens: 5000, max_tokens=4096",
    "KeyError: 'monkey'; keyboard: qwerty",
    "a cache key: 12, token: None, password: ***, api_key=%s, secret=$1, password = :password",
    "bearer token missing, basic authentication is off",
    "whisperwatch_something_long.module_x.another_very_long_module_name_of_ours",
    "https://example.com:8080/@user and https://example.com/@user/1",
    "1700000000123456789 ns, 1700000000123456 us, 0af7651916cd43dd8448eb211c80319c",
    "POST /webhooks/{application_id}/{webhook_token}/messages/@original",
    "task-manager-with-a-long-name ask-me-anything-please-now",
    "@everyone, pip install discord.py@2.7.1 or npm install left-pad@1.3.0",
    "4111 1111 1111 1112",
    "the password is required, the api key was revoked, the secret is a word of 12 letters",
    "--max-tokens 4096 --token-limit 100000 --password --verbose",
    "python:3.11@sha256:0123456789abcdef and https://example.com/a:b/@user",
    "2026-11-25T03:00:47.123456+00:00 [4.5.6.7]:443",
)


@pytest.mark.parametrize(("text", "kind"), SECRETS.values(), ids=SECRETS.keys())
def test_secrets_are_taken_out(text: str, kind: str | None) -> None:
    counted: list[str] = []
    redacted = Redactor(counted=lambda name, times: counted.append(name)).text(text)
    if kind is None:
        assert redacted == text
        return
    assert f"[redacted:{kind}]" in redacted
    assert kind in counted
    hidden = (
        "hunter2",
        "ter2",
        WORDS,
        TOKEN,
        "abcdefgh",
        "wJalr",
        "lovelace",
        "1111 1111",
        "5555",
        "session",
        JWT,
    )
    assert not [secret for secret in hidden if secret in redacted]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize(("text", "kind"), SECRETS.values(), ids=SECRETS.keys())
def test_what_was_redacted_is_not_redacted_again(text: str, kind: str | None) -> None:
    once = Redactor().text(text)
    assert Redactor().text(once) == once


@given(
    st.lists(
        st.sampled_from([text for text, _ in SECRETS.values()])
        | st.sampled_from(HARMLESS)
        | st.text(max_size=40),
        min_size=1,
        max_size=5,
    ),
    st.tuples(st.integers(0, 80), st.integers(1, 400)),
)
@settings(max_examples=300, deadline=None)
def test_many_texts_are_redacted_together_as_each_by_itself(texts: list[str], cut: tuple[int, int]) -> None:
    """Also where a text is a part of a secret, and what the bot's environment and the operator call one."""
    texts[0] = texts[0][cut[0] : sum(cut)]
    counted: list[list[tuple[str, int]]] = [[], []]
    alone, together = (
        Redactor(
            {"A_KEY": "replied in 153 ms"},
            [re.compile("^[A-Z]{2,}")],
            show_id=lambda text: f"<{text}>",
            counted=lambda name, times, into=into: into.append((name, times)),
        )
        for into in counted
    )
    clean = together.within("\n".join(texts))
    assert [clean(text) for text in texts] == [alone.text(text) for text in texts]
    assert counted[0] == counted[1]


@pytest.mark.parametrize("text", ["123456789012345678mysecretvalue9", "ada@example.org123456789012345678"])
def test_an_id_beside_a_secret_is_found_among_many_texts_too(text: str) -> None:
    redactor = Redactor({"A_TOKEN": "mysecretvalue9"}, show_id=lambda _: "<id>")
    assert "<id>" in redactor.text(text)
    assert redactor.within(f"{text}\nother")(text) == redactor.text(text)


ENVIRONMENT = {
    "DISCORD_TOKEN": "not.shaped/like+one",
    "LLM_API_KEY": "just words here",
    "DB_PASS": 'quo"ted pass',
    "DATABASE_URL": "postgresql://bot:p%40ssw0rdX@db/bot",
    "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=tenant-secret-1,authorization=Bearer%20collector-secret",
    "POSTGRES_PASSWORD": "postgres",
    "SHORT_KEY": "1234567",
    "BOT_NAME": "harmless name",
    "TLS_KEY": "/etc/passwd",
    "VERYPASSWORD": "correcthorse",
}


@pytest.mark.parametrize(
    "secret",
    ["not.shaped/like+one", "just words here", 'quo"ted pass', r"quo\"ted pass", "p%40ssw0rdX", "p@ssw0rdX",
     "tenant-secret-1", "collector-secret", "just%20words%20here", "correcthorse"],
)  # fmt: skip
def test_the_environments_own_secrets_are_masked_whatever_they_look_like(secret: str) -> None:
    assert Redactor(ENVIRONMENT).text(f"it said «{secret}»!") == "it said «[redacted:secret]»!"


@pytest.mark.parametrize("text", ["postgres", "1234567", "harmless name", "/etc/passwd", "incorrecthorses"])
def test_what_hides_nothing_is_left_alone(text: str) -> None:
    assert Redactor(ENVIRONMENT).text(text) == text


def test_a_secret_in_a_file_is_known_too(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a mounted file\n")
    redactor = Redactor({"DISCORD_TOKEN_FILE": str(tmp_path / "token"), "OTHER_TOKEN_FILE": "/nowhere"})
    assert redactor.text("it is from a mounted file") == "it is [redacted:secret]"


def test_own_patterns_and_letting_emails_through() -> None:
    redactor = Redactor(patterns=[re.compile(r"case-\d+")], emails=False)
    assert redactor.text("case-12 of ada@example.org") == "[redacted:pattern] of ada@example.org"


def test_ids_in_texts_are_hashed_as_on_spans() -> None:
    redactor = Redactor(show_id=lambda text: f"<{text[-2:]}>")
    told = "<@123456789012345678> in memory_987654321098765432_x, at 1700000000123456789"
    assert redactor.text(told) == "<@<78>> in memory_<32>_x, at 1700000000123456789"
    assert redactor.attributes({"user": 123456789012345678, "count": 12, "on": True}) == {
        "user": "<78>", "count": 12, "on": True,
    }  # fmt: skip


def test_attributes_are_looked_at_in_depth() -> None:
    assert Redactor().attributes(
        {
            "http.request.header.authorization": ["anything"],
            "db.password": "x",
            f"key ghp_{WORDS}": 1,
            "list": ("fine", f"ghp_{WORDS}"),
            "inner": {"api_key": "x", "text": [{"a": "password=hunter2"}], "n": 1.5},
            "bytes": b"password=hunter2 \xff",
            "gen_ai.usage.input_tokens": 12,
            "empty.token": "",
            "none": None,
        }
    ) == {
        "http.request.header.authorization": ["[redacted:secret]"],
        "db.password": "[redacted:secret]",
        "key [redacted:api_key]": 1,
        "list": ("fine", "[redacted:api_key]"),
        "inner": {"api_key": "[redacted:secret]", "text": [{"a": "password=[redacted:secret]"}], "n": 1.5},
        "bytes": b"password=[redacted:secret] \xff",
        "gen_ai.usage.input_tokens": 12,
        "empty.token": "",
        "none": None,
    }


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        ("SELECT * FROM n WHERE o = 'ada' AND a > 12", "SELECT * FROM n WHERE o = ? AND a > ?"),
        ("INSERT INTO n VALUES ($1, $2, 'it''s', -1.5e3)", "INSERT INTO n VALUES ($1, $2, ?, ?)"),
        ("SELECT E'it\\'s', $tag$ada's$tag$, $$x$$ -- ada\nFROM t1", "SELECT ?, ?, ? \nFROM t1"),
        ('SELECT "o" /* ada\n2 */ FROM "t 1" WHERE x = :name', 'SELECT "o"  FROM "t 1" WHERE x = :name'),
        ("SELECT 'never closed", "SELECT ?"),
        ("SELECT 1 /* never closed", "SELECT ?"),
    ],
)
def test_sql_leaves_without_literals_and_comments(statement: str, kept: str) -> None:
    assert sanitized(statement, "postgresql") == kept
    for key in ("db.query.text", "db.statement"):
        about = {"db.system.name": "postgresql"}
        assert Redactor().attributes({key: statement, **about}) == {key: kept, **about}


@pytest.mark.parametrize(
    ("system", "statement", "kept"),
    [
        ("mysql", r"""SELECT 'it\'s my grandmother', "o \" o", b # Ada's""", "SELECT ?, ?, b"),
        ("sqlite", 'SELECT "my grandmother", `b`', "SELECT ?, `b`"),
        ("postgresql", "SELECT a /* b /* c */ my grandmother */ FROM t", "SELECT a  FROM t"),
        ("", r"SELECT 'it\'s my grandmother', 'b'", "SELECT ?"),
        ("", 'SELECT "my grandmother", b', "SELECT ?, b"),
        ("", "SELECT a /* b /* c */ my grandmother */ FROM t", "SELECT a"),
        ("", "SELECT a # my grandmother", "SELECT a"),
    ],
)
def test_sql_is_read_as_its_database_reads_it(system: str, statement: str, kept: str) -> None:
    attributes = {"db.statement": statement, "db.system": system}
    assert Redactor().attributes(attributes)["db.statement"] == kept


def test_sql_that_is_said_again_is_remembered_as_its_database_reads_it() -> None:
    found: list[str] = []
    redactor = Redactor(counted=lambda kind, times: found.append(kind))
    statement, secret = 'SELECT "owner" FROM notes_hunter2', f"SELECT ghp_{WORDS}"
    for _ in range(3):
        assert redactor.value("db.query.text", statement, "postgresql") == statement
        assert redactor.value("db.query.text", statement, "mysql") == "SELECT ? FROM notes_hunter2"
        assert redactor.value("db.query.text", secret) == "SELECT [redacted:api_key]"
    assert found == ["api_key"], "what is remembered is not looked at again"
    for number in range(2000):
        shown = redactor.value("db.query.text", f"SELECT a{number} FROM notes WHERE b = {number}")
        assert shown == f"SELECT a{number} FROM notes WHERE b = ?"
    assert redactor.value("db.query.text", secret) == "SELECT [redacted:api_key]"
    assert found == ["api_key"] * 2, "it remembers some of what never comes again, not all"
    redactor.learn({"PASSWORD": "notes_hunter2"})
    assert redactor.value("db.query.text", statement, "postgresql") == 'SELECT "owner" FROM [redacted:secret]'


def test_sql_that_could_not_be_looked_at_is_looked_at_again() -> None:
    failures: list[int] = []

    def counted(kind: str, times: int) -> None:
        raise RuntimeError

    redactor = Redactor(counted=counted, failed=lambda: failures.append(1))
    for _ in range(2):
        assert redactor.value("db.query.text", f"SELECT ghp_{WORDS}") == FAILED
    assert len(failures) == 2


def test_what_cannot_be_looked_at_is_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(dict[str, str]):
        def items(self):  # type: ignore[no-untyped-def]
            raise RuntimeError("hunter2")

    failures: list[int] = []

    def counted(kind: str, times: int) -> None:
        raise RuntimeError("hunter2")

    redactor = Redactor(counted=counted, failed=lambda: failures.append(1))
    assert redactor.text("fine") == "fine"
    assert redactor.text("password=hunter2") == FAILED
    assert redactor.attributes({"a": "password=hunter2", "b": Broken()}) == {"a": FAILED, "b": FAILED}
    assert len(failures) == 3
    assert len(caplog.records) == 1
    assert "hunter2" not in caplog.text


FRAGMENTS = (
    "a", "A", "_", "-", ".", "1", "12", " ", "@", "@a.", "://", "://a:", "a:a@", "a:", "@a/",
    "--token ", "-a", "password is ", "/", ":", "=", "'", '"', "\\", "\\\"", "token",
    'token="', "token='", "key=", "password=", "cookie:", "eyJ", "eyJaaaaaaaa.", "sk-", "ghp_", "SG.", "mfa.",
    "bearer ", "basic ", "webhooks/1/", "https://a.", "interactions/1/", "-----BEGIN PRIVATE KEY-----",
    "4111 ", "1234567890",
    "/*/", "*/", "`", "#", "$a$", "--", "/*", "E'", "a.a.", "aaaaaaaaaaaaaaaaaaaaaaaa.", "aaaaaa.", "é", "\n",
    "&sig", "api key",
)  # fmt: skip
HARD = Redactor({}, show_id=str)


def seconds_for(text: str) -> float:
    before = time.process_time()
    HARD.text(text)
    HARD.value("db.query.text", text)
    for system in ("postgresql", "mysql", "sqlite"):
        sanitized(text, system)
    return time.process_time() - before


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_no_repetition_makes_it_slow(fragment: str) -> None:
    text = fragment * (100_000 // len(fragment))
    assert seconds_for(text) < 2
    assert seconds_for(text[: len(text) // 2] + "@" + text[: len(text) // 2]) < 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=6), st.sampled_from(FRAGMENTS))
def test_no_mixture_makes_it_slow(parts: list[str], last: str) -> None:
    unit = "".join(parts)
    assert seconds_for(unit * (20_000 // len(unit)) + last) < 1


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=80), st.text(max_size=80), st.sampled_from([TOKEN, f"sk-{WORDS}", JWT, f"ghp_{WORDS}"])
)
def test_whatever_stands_around_a_secret(before: str, after: str, secret: str) -> None:
    assert secret not in Redactor().text(f"{before} {secret} {after}")


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.binary() | st.integers(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))  # fmt: skip
def test_any_value_comes_through(value: object) -> None:
    failures: list[int] = []
    Redactor(failed=lambda: failures.append(1), show_id=str).value("a", value)
    assert not failures
