"""What may not leave is taken out here, before anything is exported or shown: secrets, addresses, raw ids."""

from .known import environment_of
from .redactor import Redactor
from .sql import STATEMENTS, system_of

__all__ = ["STATEMENTS", "Redactor", "environment_of", "system_of"]
