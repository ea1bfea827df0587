"""Secrets that can be told by their shape alone."""

from __future__ import annotations

import base64
import binascii
from re import Match
from typing import Final

from .kind import Kind, kind, mark


def _discord_token(found: Match[str]) -> str:
    """Its first part is the bot's id, in base64; module paths have the same shape."""
    text, first = found[0], found[1]
    try:
        is_id = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).isdigit()
    except (binascii.Error, ValueError):
        is_id = False
    return mark("discord_token") if is_id or _is_mixed(text) else text


def _authorization(found: Match[str]) -> str:
    """Not what only speaks of it: "basic authentication", "bearer token"."""
    scheme, value = found[1], found[2]
    if scheme.lower() == "basic":
        try:
            hides = b":" in base64.b64decode(value + "=" * (-len(value) % 4))
        except (binascii.Error, ValueError):
            hides = False
    else:
        hides = len(value) >= 20 or any(map(str.isdigit, value))
    return f"{scheme} {mark('authorization')}" if hides else found[0]


def _card(found: Match[str]) -> str:
    """By its check digit."""
    digits = [int(digit) for digit in found[0] if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return found[0] if (sum(digits[-1::-2]) + sum(doubled)) % 10 else mark("card")


def _is_mixed(text: str) -> bool:
    return text.lower() != text and text.upper() != text and any(map(str.isdigit, text))


_API_KEY_WORDS: Final = (
    "sk- ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xox xapp- AIza ya29. GOCSPX- AKIA ASIA ABIA ACCA k_live_ k_test_ "
    "whsec_ hf_ r8_ gsk_ xai- pplx- nvapi- pcsk_ tvly- lsv2_ SG. SK AC key- npm_ pypi- dckr_pat_ _v1_ glsa_ sntry "
    "lin_api_ ntn_ shpat_ shpss_ shpca_ :AA"
)
_API_KEYS: Final = r"""(?<![A-Za-z0-9])(?:
    sk-[\w-]{16,}                                         # OpenAI, Anthropic, OpenRouter, DeepSeek
    | gh[pousr]_\w{20,} | github_pat_\w{22,} | glpat-[\w-]{16,}
    | xox[a-z]-[\w-]{10,} | xapp-[\w-]{10,}               # Slack
    | AIza[\w-]{30,} | ya29\.[\w-]{20,} | GOCSPX-[\w-]{16,}
    | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}
    | [sr]k_(?:live|test)_\w{10,} | whsec_[\w+/=]{16,}    # Stripe
    | hf_\w{20,} | r8_\w{20,} | gsk_\w{20,} | xai-\w{20,} | pplx-\w{20,} | nvapi-[\w-]{20,} | pcsk_\w{20,}
    | tvly-[\w-]{16,} | lsv2_\w{20,}
    | SG\.[\w-]{16,}\.[\w-]{16,}                          # SendGrid
    | (?:SK|AC)[0-9a-f]{32} | key-[0-9a-f]{32}            # Twilio, Mailgun
    | npm_\w{30,} | pypi-[\w-]{16,} | dckr_pat_[\w-]{16,}
    | do[opr]_v1_\w{32,} | glsa_\w{20,} | sntry[su]_[\w+/=]{16,} | lin_api_\w{20,} | ntn_\w{20,}
    | shp(?:at|ss|ca)_\w{20,}
    | \d{8,10}:AA[\w-]{33}                                # Telegram
)"""

SHAPES: Final[tuple[Kind, ...]] = (
    kind(
        "private_key", "PRIVATE",
        r"-----BEGIN\ [A-Z ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----(?s:.*?)(?:-----END\ [A-Z ]{0,40}-----|\Z)",
    ),
    kind(
        "discord_webhook", "webhooks/",
        r"(?:https?://[\w.:-]{1,100}/)?(?:api/)?(?:v\d{1,2}/)?webhooks/\d{1,25}/[\w.%~-]{8,}",
    ),
    kind("interaction_token", "interactions/", r"(?<=interactions/)\d{1,25}/[\w.%~-]{8,}"),
    kind("interaction_token", "aW50ZXJhY3Rpb24", r"aW50ZXJhY3Rpb24[\w-]{20,}"),
    kind("slack_webhook", "hooks.slack.com", r"hooks\.slack\.com/[\w/-]{8,}"),
    kind(
        "credentials", "://", # the first way is for passwords with a slash or an at, which no URL should have
        r"""://(?!\*\*\*@|\[redacted:credentials\]@)(?:
            [^\s"'<>/?\#:@]{0,128}:(?!\d{1,5}[/?\#])(?:[^\s"'<>:]|:(?!//)){1,256}@ | [^\s"'<>/?\#]{1,512}@
        )""",
        lambda _: f"://{mark('credentials')}@",
    ),
    kind(
        "credentials", "@", # of an address without a scheme
        r"""(?<![\w.%+-])(?!redacted:)[\w.%+-]{1,64}+:(?!\d{1,9}@)[^\s"'<>:/]{1,128}@
            (?=(?:(?:\d{1,3}\.){3}\d{1,3}|(?!v?\d)[\w.-]{1,253}+)(?:/|:\d{1,5}(?!\w)))""",
        lambda _: f"{mark('credentials')}@", behind=r"[\w.-]{1,253}(?:/|:\d)",
    ),
    kind("discord_token", ".", r"(?<![\w.-])([\w-]{23,32}+)\.[\w-]{5,8}+\.[\w-]{25,}", _discord_token),
    kind("discord_token", "mfa.", r"(?<!\w)mfa\.[\w-]{20,}"),
    kind("jwt", "eyJ", r"(?<![A-Za-z0-9])eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?"),
    kind("api_key", _API_KEY_WORDS, _API_KEYS),
    kind(
        "authorization", "bearer basic",
        r"\b(bearer|basic)(?:\s|%20){1,3}([\w.~+/=-]{8,})", _authorization, fold=True,
    ),
)  # fmt: skip
"""In the order in which they are looked for: what is longer comes first."""

EMAIL: Final = kind("email", "@", r"(?<![\w.%+-])[\w.%+-]{1,128}+@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}")
CARD: Final = kind(
    "card", "3 4 5 6", r"[3-6](?<!\d[3-6])\d{3}[\ -]?(?:\d{4}[\ -]?\d{4}[\ -]?\d{4}|\d{6}[\ -]?\d{5})(?!\d)", _card,
    behind=r"\d{3}[\ -]?\d{4}",
)  # fmt: skip
