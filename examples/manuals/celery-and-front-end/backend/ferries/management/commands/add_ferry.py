from django.core.management.base import BaseCommand

from ferries.models import Ferry
from ferries.tasks import fetch_logo


class Command(BaseCommand):
    help = "Adds a ferry, and has a worker fetch its logo."

    def add_arguments(self, parser):
        parser.add_argument("name")
        parser.add_argument("--later", action="store_true", help="leaves the logo to beat")

    def handle(self, *args, name, later, **options):
        ferry, _ = Ferry.objects.get_or_create(name=name)
        if not later:
            fetch_logo.delay(ferry.pk)
