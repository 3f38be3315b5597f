"""On a server, staging and production alike."""

import os

from .common import *  # noqa: F403
from .common import SITE_SCHEME, STORAGES, is_on

DEBUG = False
SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
CSRF_TRUSTED_ORIGINS = os.environ["CSRF_TRUSTED_ORIGINS"].split(",")

# nginx ends TLS and always sets this header itself.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_SCHEME == "https"
# W004: site.hsts of the stack's file sends that header. W008: nginx sends plain HTTP on to HTTPS.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ["CACHE_URL"]}
}

EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = is_on("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "webmaster@localhost")

# Names that differ whenever the content does: browsers may keep a file for ever.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
if is_on("ENABLE_MEDIA_UPLOAD_TO_S3"):
    # Large, and loaded only where it is used.
    from botocore.config import Config

    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": os.environ["DJANGO_AWS_STORAGE_BUCKET_NAME"],
            # Without a key boto3 asks for the credentials of the server's role.
            "access_key": os.environ.get("DJANGO_AWS_ACCESS_KEY_ID"),
            "secret_key": os.environ.get("DJANGO_AWS_SECRET_ACCESS_KEY"),
            # Nothing in the bucket is public: each page has links that hold for five minutes.
            "querystring_auth": True,
            "querystring_expire": 300,
            "default_acl": None,
            "file_overwrite": False,
            "client_config": Config(
                signature_version="s3v4",
                s3={"addressing_style": os.environ.get("AWS_S3_ADDRESSING_STYLE", "virtual")},
                connect_timeout=3,
                read_timeout=20,
            ),
        },
    }

# To standard error, where systemd's journal keeps it; a crash is mailed to DJANGO_ADMINS as well.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"crash": {"()": "django.utils.log.CallbackFilter", "callback": lambda record: bool(record.exc_info)}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler"},
        "mail": {"class": "django.utils.log.AdminEmailHandler", "level": "ERROR", "filters": ["crash"]},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "django.request": {"handlers": ["mail"]},
    },
}
