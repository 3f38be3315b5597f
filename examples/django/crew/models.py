from uuid import uuid4

from django.db import models

from entries.models import Entry


def preview_path(preview, filename):
    return f"previews/{uuid4().hex}.jpg"


class Preview(models.Model):
    """A small copy of an entry's photo, for the page. A worker makes it; until then the page shows the photo."""

    entry = models.OneToOneField(Entry, on_delete=models.CASCADE, related_name="preview")
    image = models.ImageField(upload_to=preview_path)
    made_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"Preview of {self.entry}"
