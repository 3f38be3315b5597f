"""What applications print as they fail, and what to write in the stack's file then."""

import re
from collections.abc import Callable, Iterable
from re import Match

from .folded import folded

_TRACEBACK_OF_ENVIRON = r"(?:<frozen os>|/os\.py)\", line \d+, in __getitem__ .{0,200}?KeyError: '([A-Za-z_]\w*)'"
_SECRET = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE|_KEY$|_DSN$|_SALT$")
_OWN_DATABASE = "Write the stack's own below app.env: ${postgres.host}, ${postgres.user}, ${postgres.password}."


def _variable(found: Match[str]) -> str:
    name = next(one for one in found.groups() if one)
    if _SECRET.search(name):
        return (
            f"The application needs {name}, which is not set: npm run pulumi -- config set --secret --path "
            f"'app.secrets.{name}'."
        )
    return f"The application needs {name}, which is not set: write it below app.env."


def _field(found: Match[str]) -> str:
    return (
        f"The application's settings need {found[1].upper()}, with the prefix that they have, and it is not set: write "
        "it below app.env, or set it below app.secrets."
    )


def _module(found: Match[str]) -> str:
    return (
        f"The application imports '{found[1]}', which is neither in its source nor among its dependencies: add the "
        "package that has it to those, or, where it lies in a directory of the source that is not searched, write "
        "PYTHONPATH: DIRECTORY below app.env."
    )


def _host(found: Match[str]) -> str:
    return (
        f"The settings' ALLOWED_HOSTS lacks {found[1]}, the site's name. Berth hands the names over in the "
        "environment variable ALLOWED_HOSTS; where the settings do not read it, 'npm run init' writes lines for "
        "app.files that do."
    )


def _constant(text: str) -> Callable[[Match[str]], str]:
    return lambda _: text


_NO_WRITING = _constant(
    "Nothing can be written in a release. Give a directory that the application writes to a place that outlives "
    "releases, below app.shared, or hand it a path with ${paths.data} in app.env."
)
# What clients say whom Redis has not let in: redis-py, which RQ, huey and Django's cache use; Celery; dramatiq.
REFUSED_BY_REDIS = (
    r"NOAUTH Authentication required|WRONGPASS invalid username-password"
    r"|redis\.exceptions\.AuthenticationError: (Authentication required|invalid username-password)"
    r"|(Cannot connect to rediss?://\S+|onnection error): (Authentication required|invalid username-password)"
)
_NOT_LET_IN = (
    "The application gives Redis no password, or a wrong one. Have the setting of the queue read REDIS_URL, which "
    "Berth hands over, or write below app.env the variable that it reads, such as CELERY_BROKER_URL: ${redis.url}. If "
    "the code gives no password and cannot be changed, write redis.password: none."
)
# The first that fits counts: what is nearest to the cause comes before what follows of it.
_KNOWN: tuple[tuple[str, Callable[[Match[str]], str]], ...] = (
    (
        r"ImproperlyConfigured: Set the (\w+) environment variable"
        r"|UndefinedValueError: (\w+) not found"
        r'|EnvError: Environment variable "(\w+)" not set'
        rf"|{_TRACEBACK_OF_ENVIRON}",
        _variable,
    ),
    (r"validation errors? for \w*[Ss]ettings (\w+) Field required", _field),
    (
        r"ImproperlyConfigured: The SECRET_KEY setting must not be empty",
        _constant(
            "The settings have no SECRET_KEY. Berth hands one over in the environment variable SECRET_KEY; where the "
            "settings do not read it, 'npm run init' writes lines for app.files that do."
        ),
    ),
    (
        r"ImproperlyConfigured: Requested setting \w+, but settings are not configured",
        _constant("Name Django's settings module with app.settings, such as shop.settings."),
    ),
    (
        r"ImproperlyConfigured: Error loading psycopg2? ?(or psycopg )?module|No module named 'psycopg2?'",
        _constant("The dependencies have no driver for PostgreSQL: add psycopg[binary] to them."),
    ),
    (
        r"missing \d required positional arguments?: (?:'receive' and )?'send'",
        _constant(
            "app.wsgi names an ASGI application: write 'server: uvicorn' below app, and name it with "
            "app.asgi in place of app.wsgi."
        ),
    ),
    (
        r"missing \d required positional arguments?: (?:'environ' and )?'start_response'",
        _constant(
            "app.asgi names a WSGI application: name it with app.wsgi, without 'server: uvicorn', or name "
            "the project's ASGI application, such as shop.asgi:application for Django."
        ),
    ),
    (
        r'Attribute "(\w+)" not found in module "([\w.]+)"',
        lambda found: f"The module '{found[2]}' has no '{found[1]}': name what it has with app.asgi.",
    ),
    (
        r"Config\.__init__\(\) got an unexpected keyword argument",
        _constant(
            "The application brings an uvicorn that is too old: raise it to 0.22 or later, or leave it to Berth."
        ),
    ),
    (
        r"Failed to find attribute '(\w+)' in '([\w.]+)'",
        lambda found: f"The module '{found[2]}' has no '{found[1]}': name what it has with app.wsgi.",
    ),
    (r"Invalid HTTP_HOST header: ('[^']*')", _host),
    (r"ModuleNotFoundError: No module named '([\w.]+)'", _module),
    (r"Read-only file system|attempt to write a readonly database|unable to open database file", _NO_WRITING),
    (r"PermissionError: \[Errno 13\] Permission denied: '(?:\.|/srv/[^']*/releases/)", _NO_WRITING),
    (
        r"could not translate host name|fe_sendauth: no password supplied|password authentication failed for user"
        r"|connection to server at \"[^\"]*\".{0,60} failed: Connection refused",
        _constant(f"The application asks a database that is not the stack's. {_OWN_DATABASE}"),
    ),
    (REFUSED_BY_REDIS, _constant(_NOT_LET_IN)),
    (
        r"redis\.exceptions\.(AuthenticationError|ConnectionError)|Error -?\d+ connecting to \S+:6379",
        _constant(
            "The application asks a Redis that is not the stack's, or without its password. Write the stack's own "
            "below app.env: ${redis.url}."
        ),
    ),
)


# Exceptions of databases, by the libraries that raise them.
_OF_DATA = re.compile(
    r"^(django\.db\.utils|psycopg2?(\.errors)?|sqlalchemy\.exc|sqlite3|redis\.exceptions|pymongo\.errors)\.\w+(:|$)"
)


def is_refused_by_redis(lines: Iterable[str]) -> bool:
    """Whether a program has told that Redis does not let it in: it may go on trying for ever, and do nothing else."""
    return re.search(REFUSED_BY_REDIS, folded(lines)) is not None


def is_of_data(lines: Iterable[str]) -> bool:
    """Whether a database has refused something: then what is in it decides as well."""
    return any(_OF_DATA.match(line) for line in lines)


def told(lines: Iterable[str]) -> str:
    """What to write, for the first symptom in the lines; nothing where there is none that is known."""
    text = folded(lines)
    for pattern, say in _KNOWN:
        found = re.search(pattern, text)
        if found is not None:
            return say(found)
    return ""


def told_of_build(lines: Iterable[str]) -> str:
    """The same of a command that runs while a release is made, and has none of the application's settings."""
    return told(lines).replace("app.env", "app.build.env").replace("app.secrets", "app.build.secrets")
