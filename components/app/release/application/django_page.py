"""Berth: asks a Django project for a page that answers with an error, so that its exception shows: django_page.py PATH
DOMAIN SCHEME

Without settings of its own Django writes such an exception to no log.
"""

import os
import sys

sys.path.insert(0, os.getcwd())

import django
from django.test import Client

path, domain, scheme = sys.argv[1:]
django.setup()
# It raises what the page has raised.
Client().get(path, secure=scheme == "https", HTTP_HOST=domain, HTTP_X_FORWARDED_PROTO=scheme)
