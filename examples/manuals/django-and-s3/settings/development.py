"""On your own computer."""

from .common import *  # noqa: F403

DEBUG = True
SECRET_KEY = "for-my-computer-only"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
