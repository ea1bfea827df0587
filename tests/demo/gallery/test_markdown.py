from __future__ import annotations

import pytest

from whisperwatch.demo.gallery.markdown import html, relative

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain & <b>", "plain &amp; &lt;b&gt;"),
        ("**bold *both* end**", "<b>bold <i>both</i> end</b>"),
        ("__under__ ~~struck~~ _slanted_", "<u>under</u> <s>struck</s> <em>slanted</em>"),
        ("a_b_c 2 * 3 * 4", "a_b_c 2 * 3 * 4"),
        (r"DATABASE\_POOL\_SIZE \*x\* \-40 %", "DATABASE_POOL_SIZE *x* -40 %"),
        (r"**a\*\*b**", "<b>a**b</b>"),
        (r"`a\_b <t:1:R> **c**`", r"<code>a\_b &lt;t:1:R&gt; **c**</code>"),
        ("a\nb\n\nc", "a<br>b<br><br>c"),
        ("of:\n- one\n- two\nend", "of:<ul><li>one</li></ul><ul><li>two</li></ul>end"),
        ("# head\n> said\n-# small", "<h1>head</h1><blockquote>said</blockquote><small>small</small>"),
        ("see ```py\nx = '**1**'\n``` there", "see <pre>x = &#x27;**1**&#x27;</pre> there"),
        ("[docs](https://example.org/a?b&c)", '<a href="https://example.org/a?b&amp;c">docs</a>'),
        (r"\[x\](https://example.org)", "[x](https://example.org)"),
        ("<@42> hi", '<span class="mention">@42</span> hi'),
        ("<t:1699999997:R>", "<time>3 seconds ago</time>"),
        ("<t:1700000000:T>", "<time>22:13:20</time>"),
    ],
)
def test_what_discord_shows(text: str, shown: str) -> None:
    assert html(text, NOW) == shown


def test_signs_are_drawn() -> None:
    for sign in "✅❌❔⬜":
        assert html(f"{sign} x", NOW).startswith('<svg class="sign"')
    assert html("⚠️ x", NOW).endswith("</svg> x")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds ago"),
        (-59, "59 seconds ago"),
        (-60, "1 minute ago"),
        (7300, "in 2 hours"),
        (90_000, "in 1 day"),
    ],
)
def test_relative_times(seconds: float, said: str) -> None:
    assert relative(NOW + seconds, NOW) == said
