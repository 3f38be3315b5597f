from uuid import uuid4

from django.db import models


def photo_path(entry, filename):
    """A name nobody can guess or collide with; nothing of the visitor's own file name is kept."""
    return f"photos/{uuid4().hex}.jpg"


class Entry(models.Model):
    name = models.CharField("your name", max_length=60)
    message = models.TextField("your entry", max_length=1000)
    photo = models.ImageField(
        upload_to=photo_path, width_field="photo_width", height_field="photo_height", blank=True
    )
    photo_width = models.PositiveIntegerField(null=True, editable=False)
    photo_height = models.PositiveIntegerField(null=True, editable=False)
    written_at = models.DateTimeField(auto_now_add=True)
    hidden = models.BooleanField(default=False, help_text="A hidden entry is kept but not shown to visitors.")

    class Meta:
        ordering = ["-written_at", "-id"]
        indexes = [models.Index(fields=["hidden", "-written_at", "-id"], name="entries_shown")]
        verbose_name_plural = "entries"

    def __str__(self):
        return f"{self.name}, {self.written_at:%d %B %Y}"
