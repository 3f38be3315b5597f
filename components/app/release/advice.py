"""What uv and builds print again and again, and what to write in the stack's file then."""

import re
from collections.abc import Iterable

from .folded import folded

_BUILD = "build-essential, python3-dev"
# The first that fits counts: a missing header comes before the compiler that misses it.
_KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"pg_config( executable)? (is required|not found)|(libpq-fe|pg_config)\.h: No such file",
        f"app.packages: [{_BUILD}, libpq-dev]",
    ),
    (
        r"mysql_config:? (command )?not found|Can not find valid pkg-config name",
        f"app.packages: [{_BUILD}, pkg-config, default-libmysqlclient-dev]",
    ),
    (
        r"xmlsec1? .{0,60}not found|xmlsec/.*\.h: No such file",
        f"app.packages: [{_BUILD}, pkg-config, libxmlsec1-dev]",
    ),
    (
        r"libxml/\S+\.h: No such file|libxml2 and libxslt development packages",
        f"app.packages: [{_BUILD}, libxml2-dev, libxslt1-dev]",
    ),
    (r"ffi\.h: No such file", f"app.packages: [{_BUILD}, libffi-dev]"),
    (r"(lber|ldap|sasl/sasl)\.h: No such file", f"app.packages: [{_BUILD}, libldap-dev, libsasl2-dev]"),
    (
        r"headers or library files could not be found for (jpeg|zlib)",
        f"app.packages: [{_BUILD}, libjpeg-dev, zlib1g-dev]",
    ),
    (r"gdal-config.{0,60}(not found|No such file)", f"app.packages: [{_BUILD}, libgdal-dev]"),
    (r"Python\.h: No such file", f"app.packages: [{_BUILD}]"),
    (r"CMake must be installed", f"app.packages: [{_BUILD}, cmake]"),
    (r"Unknown compiler\(s\)|linker `cc` not found", f"app.packages: [{_BUILD}]"),
    (r"can't find Rust compiler|(?i:cargo)\b.{0,60} is not installed", f"app.packages: [{_BUILD}, cargo]"),
    (
        r"(gcc|g\+\+|'cc'|\bclang\b|\bmake\b)\S* ?(failed)?:? ?(No such file|not found)"
        r"|No such file or directory: '\S*(gcc|g\+\+|make)'",
        f"app.packages: [{_BUILD}]",
    ),
)
_PYTHON = (
    r"no wheels with a matching Python (ABI|version) tag|does not satisfy Python[<>=]"
    r"|No module named 'distutils'|Cannot import 'setuptools\.build_meta'|Requires-Python"
)
_LOGIN = r"status client error \((401 Unauthorized|403 Forbidden)\)"
_UNKNOWN = r"was not found in the (package registry|provided package locations)|No matching distribution found"
_HASH = r"[Hh]ash mismatch"
# uv asks the first index that has a package, and no other: pip asks them all.
_HIDDEN = r"`(\S+)` was found on (\S+), but not at the requested version"
_GIT = (
    r"Host key verification failed|[Cc]ould not read Username for|terminal prompts disabled"
    r"|Permission denied \(publickey"
)


def for_packages(lines: Iterable[str], python: str) -> str:
    """What to write, for the first of these that the lines tell of; nothing where they tell of none.

    :param python: the version that the release runs with
    """
    text = folded(lines)
    for pattern, key in _KNOWN:
        if re.search(pattern, text):
            return f"A package is built from its source, which needs more on the host. Write {key}."
    if re.search(r"Multiple top-level packages discovered|not possible in non-package mode", text):
        return (
            "The project would have to be built to learn what it depends on: commit a uv.lock or poetry.lock, or "
            "name a file of requirements with app.requirements."
        )
    if re.search(_GIT, text):
        return (
            "A dependency lies in a private git repository, which the host cannot read. Let git log in with a token: "
            'write GIT_CONFIG_COUNT: "1" and GIT_CONFIG_VALUE_0: ssh://git@git.example.org/ (how the address of the '
            "dependency begins) below app.build.env, and set what takes its place: npm run pulumi -- config set "
            "--secret --path 'app.build.secrets.GIT_CONFIG_KEY_0', with "
            "url.https://USER:TOKEN@git.example.org/.insteadOf as the value."
        )
    hidden = re.search(_HIDDEN, text)
    if hidden is not None:
        package, index = hidden[1], re.sub(r"//[^/@]*@", "//", hidden[2])
        return (
            f"The index {index} has other versions of {package}, and hides those of the indexes after it. With uv.lock "
            "or pyproject.toml, name that index in [[tool.uv.index]] with explicit = true, and what is taken from it "
            "in [tool.uv.sources]. With requirements.txt, or if you trust all of the indexes equally, let uv compare "
            "them as pip does: write UV_INDEX_STRATEGY: unsafe-best-match below app.build.env."
        )
    if re.search(_PYTHON, text):
        return (
            f"A package does not fit Python {python}: pin a newer version of it, or name the Python that it is made "
            'for, such as app.python: "3.11".'
        )
    if re.search(r"--require-hashes|must have their versions pinned with ==", text):
        return (
            "Where one line of a file of requirements has a hash, all need one, and all that they need in turn stand "
            "there as well: make the file with 'uv pip compile --generate-hashes', or take the hashes out."
        )
    if re.search(
        r"No solution found when resolving dependencies.{0,4000}?your requirements are unsatisfiable", text
    ) and (not re.search(_PYTHON, text) and not re.search(_UNKNOWN, text)):
        return "The versions that the file asks for do not fit each other: change those that are named above."
    if re.search(_HASH, text):
        return (
            "What was downloaded is not what the file pins. If the package was published again, make the file again. "
            "If not, something between this host and the index changes packages: do not trust it."
        )
    if re.search(_LOGIN, text):
        return "A package index asks for a login: app.indexLogins has it, by the index's host."
    if re.search(_UNKNOWN, text):
        return "A package is on none of the indexes that are asked: app.index names one of your own."
    return ""


# Of npm, pnpm and yarn.
_FRONT_END: tuple[tuple[str, str], ...] = (
    (
        r"package\.json and package-lock\.json .{0,60}are in sync|ERR_PNPM_OUTDATED_LOCKFILE"
        r"|[Yy]our lockfile needs to be updated|YN0028|lockfile would have been (modified|created)",
        "The lock file does not fit package.json: run '{manager} install' in the source and commit what it writes.",
    ),
    (
        r"\b(E401|E403|ENEEDAUTH)\b|ERR_PNPM_FETCH_40[13]|YN0041|40[13] (Unauthorized|Forbidden)"
        r"|Request failed \"40[13]",
        "A registry asks for a login. Let .npmrc read it from a variable, such as "
        "//registry.example.org/:_authToken=${{NPM_TOKEN}}, and set that as a secret of builds: "
        "npm run pulumi -- config set --secret --path 'app.build.secrets.NPM_TOKEN'.",
    ),
    (
        r"\bE404\b|ERR_PNPM_FETCH_404",
        "A package is on none of the registries that are asked; one of your own is named in .npmrc.",
    ),
    (
        r"gyp ERR!|not found: make",
        f"A package is built from its source: write app.packages: [{_BUILD}].",
    ),
    (
        r"JavaScript heap out of memory",
        'Node.js has too little memory: write NODE_OPTIONS: "--max-old-space-size=2048" below app.build.env, '
        "and give the host as much.",
    ),
    (
        r"ERR_OSSL_EVP_UNSUPPORTED|digital envelope routines",
        "The build tools are older than the OpenSSL of Node.js 24: write NODE_OPTIONS: --openssl-legacy-provider below "
        "app.build.env, or update them.",
    ),
    (
        r"EBADENGINE|ERR_PNPM_UNSUPPORTED_ENGINE|The engine \"node\" is incompatible",
        "A package is made for another Node.js than 24, which Berth brings: update it, or ship what is built.",
    ),
)


def for_front_end(lines: Iterable[str], manager: str) -> str:
    """The same for the packages and the build of a front end."""
    text = folded(lines)
    return next((told.format(manager=manager) for pattern, told in _FRONT_END if re.search(pattern, text)), "")
