"""What is told to be a prompt, and that it is masked where the message's work repeats it."""

from __future__ import annotations

import pytest

from whisperwatch.bot.instrument.libraries.llm.prompts import prompts
from whisperwatch.bot.masking import mask
from whisperwatch.bot.masking.needles import words_in
from whisperwatch.demo.backends.llm import MODEL


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]},
            ["hi", "be kind"],
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url"}]}
                ]
            },
            ["look"],
        ),
        ({"input": "embed this"}, ["embed this"]),
        ({"input": ["one", "two"]}, ["two", "one"]),
        ({"prompt": "once upon"}, ["once upon"]),
        ({"messages": 7, "input": None}, []),
        (
            {"messages": [{"content": str(number)} for number in range(100)]},
            ["0", *(str(n) for n in range(99, 91, -1))],
        ),
        ({"system": "be kind", "messages": [{"content": "hi"}]}, ["be kind", "hi"]),
        ({"instructions": "be kind", "input": "hi"}, ["be kind", "hi"]),
    ],
)
def test_the_newest_texts_first(body, expected):
    assert list(prompts(body)) == expected


async def test_what_repeats_the_prompt_is_masked(client):
    prompt = [{"role": "user", "content": "the lighthouse keeper of Alexandria"}]
    await client.chat.completions.create(model=MODEL, messages=prompt)
    assert "lighthouse" not in mask("no answer to: the lighthouse keeper of Alexandria")


@pytest.mark.parametrize("streamed", [False, True])
async def test_what_repeats_the_answer_is_masked(client, streamed):
    """Whatever it says, which the model of the demo makes up."""
    prompt = [{"role": "user", "content": "hello"}]
    answer = await client.chat.completions.create(model=MODEL, messages=prompt, stream=streamed)
    if streamed:
        said = "".join([chunk.choices[0].delta.content or "" async for chunk in answer if chunk.choices])
    else:
        said = answer.choices[0].message.content
    words = set(words_in(said))
    assert len(words) > 3
    masked = mask(f"answered: {said}")
    assert masked.startswith("answered: ")
    assert words.isdisjoint(words_in(masked))
