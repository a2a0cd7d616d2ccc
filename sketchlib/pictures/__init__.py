"""Drawings as pictures and animations."""

from ..errors import needing

with needing("pictures"):
    import matplotlib  # noqa: F401
    import PIL  # noqa: F401
