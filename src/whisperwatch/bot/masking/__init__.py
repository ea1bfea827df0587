"""What users wrote stays here: what repeats the current message is masked in this process, before the tape.

Bots log what users write, and exceptions quote it. Only this process knows what that is.
"""

from .mask import heard, mask, told
from .needles import MASKED
from .recent import Recent

__all__ = ["MASKED", "Recent", "heard", "mask", "told"]
