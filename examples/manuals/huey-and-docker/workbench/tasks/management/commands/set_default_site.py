import socket

from django.contrib.sites.models import Site
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Names the site that mails and links are from."

    def add_arguments(self, parser):
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--domain", help="its domain")
        where.add_argument("--system-fqdn", action="store_true", help="the full name of this machine")
        parser.add_argument("--name", required=True, help="what people read")

    def handle(self, *, domain, system_fqdn, name, **options):
        domain = socket.getfqdn() if system_fqdn else domain
        Site.objects.update_or_create(pk=1, defaults={"domain": domain, "name": name})
        self.stdout.write(f"the site is {name}, {domain}")
