"""A harbour log book: visitors sign it, and it says how its own parts are."""

__version__ = "1.0.0"
