"""Every setting that differs between places comes from the environment; README.md lists them."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = os.environ.get("DEBUG") == "1"


def needed(name, in_development):
    value = os.environ.get(name, "") or (in_development if DEBUG else "")
    if not value:
        raise ImproperlyConfigured(
            f"The environment variable {name} is missing. Set it, or DEBUG=1 on your own computer."
        )
    return value


SECRET_KEY = needed("SECRET_KEY", in_development="only-for-development-" + "x" * 40)
REDIS_URL = needed("REDIS_URL", in_development="redis://127.0.0.1:6379/0")
ALLOWED_HOSTS = [one for one in os.environ.get("ALLOWED_HOSTS", "").split(",") if one]

INSTALLED_APPS = ["channels", "radio", "django.contrib.staticfiles"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "radio.urls"
ASGI_APPLICATION = "radio.asgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}}

STATIC_URL = "/static/"
STATIC_ROOT = os.environ.get("STATIC_ROOT", str(BASE_DIR / "var/static"))

# nginx ends TLS, sets this header itself, and sends plain HTTP on to HTTPS.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# There are no cookies and no forms; W004 and W008 are nginx's.
SILENCED_SYSTEM_CHECKS = ["security.W003", "security.W004", "security.W008"]
