"""A harbour log book: visitors sign it, and it says how its own parts are."""

# Loaded with Django, so that its tasks know where to go.
from logbook.celery import app as celery_app

__version__ = "1.0.0"
__all__ = ["celery_app"]
