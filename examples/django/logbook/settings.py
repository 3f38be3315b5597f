"""Every setting that differs between places comes from the environment; README.md lists them."""

import os
from datetime import UTC, datetime
from email.utils import getaddresses
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- what this is and where it runs (the front page shows it) -----------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SITE_NAME = env.str("SITE_NAME", default="Harbour log")
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000" if DEBUG else "").rstrip("/")
BERTH_RELEASE = env.str("BERTH_RELEASE", default="")
BERTH_STACK = env.str("BERTH_STACK", default="")
BERTH_HOST = env.str("BERTH_HOST", default="")
BERTH_RELEASED_AT = env.str("BERTH_RELEASED_AT", default="")
PROCESS_STARTED_AT = datetime.now(UTC)


def needed(name, in_development):
    """A variable that must be set, unless DEBUG is on."""
    value = os.environ.get(name, "")
    if not value and DEBUG:
        value = in_development
    if not value:
        raise ImproperlyConfigured(
            f"The environment variable {name} is missing or empty. "
            "Set it, or set DEBUG=1 to try the log book on your own computer."
        )
    return value


# --- security -------------------------------------------------------------------------------------------

# Taken as it is: django-environ would read a key that begins with "$" as the name of another variable.
SECRET_KEY = needed("SECRET_KEY", in_development="only-for-development-" + "x" * 40)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# nginx ends TLS and always sets this header itself, so a visitor can't forge it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_COOKIES = env.bool("SECURE_COOKIES", default=urlsplit(SITE_URL).scheme == "https")
SESSION_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

# W004: browsers heed Strict-Transport-Security only where they trust the certificate, and the stack signs its own.
# W008: nginx sends plain HTTP on to HTTPS, for static files too.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]

# --- Postgres -------------------------------------------------------------------------------------------

DATABASES = {
    "default": {
        **env.db_url_config(needed("DATABASE_URL", in_development="postgres:///logbook")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 3)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: the cache -----------------------------------------------------------------------------------

REDIS_URL = needed("REDIS_URL", in_development="redis://127.0.0.1:6379/0")
# Another server than the queue's, or on your own computer another database: cache.clear() empties all of it.
CACHE_URL = needed("CACHE_URL", in_development="redis://127.0.0.1:6379/1")
# A visitor waits a second for Redis, not longer; the front page then says that Redis is away.
REDIS_OPTIONS = {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": Retry(NoBackoff(), 0)}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "logbook",
        "OPTIONS": REDIS_OPTIONS,
    }
}
# Read from the cache and kept in Postgres, too: a cache may forget.
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# --- the queue, in Redis, too ------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Without max_retries a visitor would wait for as long as Redis is away.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1, "max_retries": 1, "interval_start": 0}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "logbook"
CELERY_TASK_IGNORE_RESULT = True
# A task is taken off the queue when it is done, so that none is lost with a worker that is killed.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 120
# One that is late need not be caught up with.
CELERY_BEAT_SCHEDULE = {
    "take stock": {"task": "crew.tasks.take_stock", "schedule": 60, "options": {"expires": 60}}
}

# --- static files and uploads ---------------------------------------------------------------------------

STATIC_URL = env.str("STATIC_URL", default="/static/")
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "var/static"))
MEDIA_URL = env.str("MEDIA_URL", default="/media/")
MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(BASE_DIR / "var/media"))
STATIC_ROOT, MEDIA_ROOT = str(STATIC_ROOT), str(MEDIA_ROOT)
# With a bucket, uploads go there and not to the disk. boto3 finds the key by itself: in AWS_ACCESS_KEY_ID and
# AWS_SECRET_ACCESS_KEY, or by the credential_process of the file that AWS_CONFIG_FILE names.
BUCKET_NAME = env.str("BUCKET_NAME", default="")
# "virtual": the bucket in the name of the server, which a signed URL needs; "path" for a server that knows no other.
AWS_S3_ADDRESSING_STYLE = env.str("AWS_S3_ADDRESSING_STYLE", default="virtual")
S3_CLIENT = {"signature_version": "s3v4", "s3": {"addressing_style": AWS_S3_ADDRESSING_STYLE}}


def uploads():
    if not BUCKET_NAME:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    # Large, and loaded only where it is used.
    from botocore.config import Config

    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": BUCKET_NAME,
            # Nothing in the bucket is public: the page gives a visitor URLs that hold for five minutes. Longer ones
            # would end with the credentials of the role that signed them.
            "querystring_auth": True,
            "querystring_expire": 300,
            "default_acl": None,
            "file_overwrite": False,
            "object_parameters": {"CacheControl": "private, max-age=3600"},
            "client_config": Config(connect_timeout=3, read_timeout=20, **S3_CLIENT),
        },
    }


# Hashed names: nginx may let browsers keep a file for ever, as a changed file has another name.
STORAGES = {
    "default": uploads(),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    },
}
# nginx, another user than the application, reads the photos whatever the service's umask is.
FILE_UPLOAD_PERMISSIONS = 0o644
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o755

# --- mail and log ---------------------------------------------------------------------------------------

ADMINS = getaddresses([env.str("ADMINS", default="")]) if env.str("ADMINS", default="") else []
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("FROM_EMAIL", default="webmaster@localhost")
if env.str("EMAIL_URL", default=""):
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = f"django.core.mail.backends.{'console' if DEBUG else 'dummy'}.EmailBackend"

# To standard error, where systemd's journal keeps it and adds the time.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    # A crash is mailed; a failing health check, asked every few seconds, is only logged.
    "filters": {
        "crash": {"()": "django.utils.log.CallbackFilter", "callback": lambda record: bool(record.exc_info)}
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "mail": {"class": "django.utils.log.AdminEmailHandler", "level": "ERROR", "filters": ["crash"]},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "django.request": {"handlers": ["mail"]},
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}

# --- the application ------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "crew",
    "entries",
    "logbook",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "logbook.policy.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "logbook.urls"
WSGI_APPLICATION = "logbook.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "logbook.context.site",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
