"""What may not leave is taken out here, before anything is exported or shown: secrets, addresses, raw ids."""

from .redactor import Redactor

__all__ = ["Redactor"]
