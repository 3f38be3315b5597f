"""What the workers do. A task may be run twice, by a worker of this release or of the one before."""

from datetime import timedelta

from celery import shared_task
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from crew.models import Preview
from entries.models import Entry
from entries.photos import smaller

# Twice the width at which the page shows it, for screens with a fine grain.
longest_side = 800


# A disk or a bucket that does not answer may do so in a while.
@shared_task(autoretry_for=(OSError,), retry_backoff=5, max_retries=5)
def make_preview(entry_id):
    with transaction.atomic():
        # Locked: of two workers with the same task one makes the preview.
        entry = Entry.objects.select_for_update().filter(pk=entry_id).exclude(photo="").first()
        if entry is not None and not Preview.objects.filter(entry=entry).exists():
            Preview.objects.create(entry=entry, image=preview_of(entry.photo))


def preview_of(photo):
    with photo.open("rb") as file:
        return ContentFile(smaller(file, longest_side), name="preview.jpg")


@shared_task
def take_stock():
    """Beat asks for it each minute: photos that nobody has seen to, as Redis was away when they came."""
    before = timezone.now() - timedelta(minutes=1)
    forgotten = Entry.objects.exclude(photo="").filter(preview=None, written_at__lt=before)
    for entry_id in forgotten.values_list("pk", flat=True)[:100]:
        make_preview.delay(entry_id)
