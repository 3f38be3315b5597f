"""Berth: what a project's settings say of files and databases, beside what it was given in its environment."""

import hashlib
import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.storage import FileSystemStorage
from django.utils.module_loading import import_string

# The project's own STATIC_ROOT, once another one stands in its place.
_own = {}


def lead_static_files():
    """Has static files go to where nginx serves them from, whatever the project's STATIC_ROOT is.

    Before any application is loaded: some ask for the address of a static file as they are, and the storage then keeps
    the place that it had at that moment.
    """
    _own["STATIC_ROOT"] = settings.STATIC_ROOT
    settings.STATIC_ROOT = os.environ["STATIC_ROOT"]


def tell():
    """As a line of JSON, for the step to judge."""
    statics, uploads = _storage("staticfiles", "STATICFILES_STORAGE"), _storage("default", "DEFAULT_FILE_STORAGE")
    static_here, uploads_here = issubclass(statics, FileSystemStorage), issubclass(uploads, FileSystemStorage)
    told = {
        "static_root": _within(_setting("STATIC_ROOT")) if static_here and _is_own("STATIC_ROOT") else None,
        # Its pages ask this directory what the files are called.
        "static_root_missing": issubclass(statics, ManifestFilesMixin) and static_here and not _setting("STATIC_ROOT"),
        "static_url": settings.STATIC_URL if static_here else None,
        "static_by_itself": any("whitenoise" in one.lower() for one in settings.MIDDLEWARE),
        "media_root": _within(settings.MEDIA_ROOT) if uploads_here and _is_own("MEDIA_ROOT") else None,
        "keeps_uploads": uploads_here and bool(settings.MEDIA_ROOT),
        "media_url": settings.MEDIA_URL or None,
        "sqlite": _sqlite(),
        "caches_in_queue": _caches_in_queue(),
        "random_key_of": os.environ["DJANGO_SETTINGS_MODULE"] if _is_key_random() else None,
    }
    print(f"the project's settings: {json.dumps(told)}", flush=True)


def _is_key_random():
    """Whether each process that loads the settings makes up another SECRET_KEY: one that is loaded keeps its own.

    One of the environment is the same in all of them, so most projects are not loaded twice.
    """
    key = vars(settings._wrapped).get("SECRET_KEY")
    if not key or key in os.environ.values():
        return False
    asked = "import own_settings; print(own_settings.digest_of_key())"
    path = os.pathsep.join([os.getcwd(), os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    other = subprocess.run(  # It is this Python.
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    # Settings may print as they are loaded.
    return other.returncode == 0 and other.stdout.split()[-1:] != [digest_of_key()]


def digest_of_key():
    return hashlib.sha256(f"{settings.SECRET_KEY}".encode()).hexdigest()


def _sqlite():
    """The files of databases that are SQLite's, by their aliases; not one that is only read."""
    told = {}
    for alias, database in settings.DATABASES.items():
        name = f"{database.get('NAME') or ':memory:'}"
        is_file = database.get("ENGINE", "").endswith("sqlite3") and "memory" not in name
        if is_file and not (name.startswith("file:") and ("mode=ro" in name or "immutable=1" in name)):
            told[alias] = _within(name)
    return told


def _caches_in_queue():
    """The aliases of caches that lie in the database of Redis that queues use: whoever empties one takes all tasks."""
    queue = _place_in_redis(os.environ.get("REDIS_URL"))
    told = []
    for alias, cache in settings.CACHES.items():
        location = cache.get("LOCATION")
        places = location if isinstance(location, (list, tuple)) else [location]
        if queue is not None and queue in map(_place_in_redis, places):
            told.append(f"{alias}")
    return told


def _place_in_redis(url):
    """Host, port and database of a URL; None for anything else."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
        place = (host, parts.port or 6379, parts.path.strip("/") or "0")
    except ValueError:
        return None
    return place if parts.scheme in ("redis", "rediss", "valkey", "valkeys") else None


def refuse_other_place():
    """A storage that does not take the place of its files from STATIC_ROOT collects where nginx does not look."""
    from django.contrib.staticfiles.storage import staticfiles_storage

    if isinstance(staticfiles_storage, FileSystemStorage) and staticfiles_storage.location != settings.STATIC_ROOT:
        raise RuntimeError(
            f"static files go to {staticfiles_storage.location}, which the project has settled as it was loaded: "
            "let it take STATIC_ROOT from the environment"
        )


def _storage(alias, before_4_2):
    """The class of a storage, which is not made for it: one of static files takes STATIC_ROOT as it is made."""
    storages = getattr(settings, "STORAGES", {})
    backend = storages[alias]["BACKEND"] if alias in storages else getattr(settings, before_4_2, None)
    try:
        found = import_string(backend)
    except (ImportError, TypeError, AttributeError):
        return object
    return found if isinstance(found, type) else object


def _setting(name):
    return _own[name] if name in _own else getattr(settings, name, None)


def _is_own(name):
    """Whether the project has another value than the environment."""
    value = _setting(name)
    return bool(value) and os.path.realpath(value) != os.path.realpath(os.environ.get(name, value))


def _within(path):
    """A path in the release, relative to it; any other one as it is."""
    here, path = os.path.realpath("."), os.path.realpath(path)
    return os.path.relpath(path, here) if path.startswith(f"{here}/") else path
