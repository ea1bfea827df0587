"""What is posted of an answer, and where there is none."""

from __future__ import annotations

from whisperwatch.bot.admin.posting import Post, escaped, notice, slower


def test_an_answer() -> None:
    answer = {"embeds": [{"title": "t", "color": 1}], "text": "plain", "status": "healthy", "error": None}
    post = Post.of(answer)
    assert [(embed.title, embed.color and embed.color.value) for embed in post.embeds] == [("t", 1)]
    assert post.plain == "```\nplain\n```"


def test_where_no_files_may_be_attached() -> None:
    answer = {"embeds": [{"title": "t"}], "text": "plain", "error": None}
    assert Post.of(answer).without_files() == Post.of(answer)
    with_file = Post.of({**answer, "files": [("a.csv", b"1")]}).without_files()
    assert (with_file.embeds, with_file.files) == ([], ())
    assert with_file.text == "plain\n\nThe bot may not attach files here, so they are left out."
    pictured = {**answer, "files": [("chart.png", b"1")], "instead": {**answer, "text": "▁█"}}
    assert Post.of(pictured).text == "plain"
    assert Post.of(pictured).without_files() == Post.of({**answer, "text": "▁█"})


def test_a_failure_of_the_watchers() -> None:
    post = Post.of({"embeds": [], "text": "", "error": "It failed."})
    assert (post.embeds[0].title, post.embeds[0].description) == ("❔ No answer", "It failed.")


def test_silence() -> None:
    post = Post.of({"error": "It is there, but says nothing.", "silent_since": 1_700_000_000.7})
    assert post.embeds[0].description == (
        "Since <t:1700000000:T> (<t:1700000000:R>). It is there, but says nothing.\n"
        "The bot itself works: this is its answer."
    )
    assert post.plain == (
        "```\n❌ The monitor does not answer\nSince 2023-11-14 22:13:20 UTC. It is there, but says nothing.\n"
        "The bot itself works: this is its answer.\n```"
    )
    never = Post.of({"error": "It refuses this bot.", "silent_since": None})
    assert never.embeds[0].description == "It refuses this bot."


def test_text_is_one_message_whatever_is_in_it() -> None:
    plain = Post(text="a ``` b" + "x" * 3000).plain
    assert len(plain) == 2000
    assert plain.count("```") == 2


def test_what_was_typed_is_shown_as_it_was() -> None:
    assert escaped("a_b *c* [d] `e \\") == "a\\_b \\*c\\* \\[d\\] \\`e \\\\"
    assert escaped("```a_b```") == "\\`\\``a_b`\\`\\`", "a code block is none, and breaks out of none"


def test_what_is_to_be_typed_is_code() -> None:
    assert escaped("ask `config get A_B <x>`, a_b") == "ask `config get A_B <x>`, a\\_b"


def test_where_embeds_are_not_allowed_nothing_is_escaped() -> None:
    said = "health doesn't know 'a_b'. It is: health [detailed]"
    post = notice("❔ Not understood", said)
    assert post.plain == f"```\n❔ Not understood\n{said}\n```"
    assert post.embeds[0].description == "health doesn't know 'a\\_b'. It is: health \\[detailed\\]"
    assert Post.of({"error": "a_b", "embeds": [], "text": ""}).text == "❔ No answer\na_b"
    assert slower(2.2).text == "❔ Not so fast\nAsk again in 3 s."
    assert "<t:" in str(slower(2.2).embeds[0].description)
