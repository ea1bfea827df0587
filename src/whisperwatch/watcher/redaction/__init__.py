"""What may not leave is taken out here, before anything is exported or shown: secrets, addresses, raw ids."""

from .known import environment_of
from .redactor import Redactor

__all__ = ["Redactor", "environment_of"]
