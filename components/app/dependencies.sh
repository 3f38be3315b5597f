: "${python?the version of Python that the application needs, such as 3.12; empty for that of the host}"
: "${python_mirror?where uv gets Pythons: a mirror, or a list of them that ends in .json; empty for its own source}"
: "${index?the URL of the package index in place of PyPI; empty for what uv on the host asks}"
: "${requirements?the file that names the dependencies; empty to look for the usual ones}"
: "${server?gunicorn or uwsgi}"

pins=/usr/local/lib/berth/$name/pins
# What uv has downloaded, for the next release: the owner's, and readable to the service, for what an environment holds
# are further names of these files.
downloads=/var/cache/berth/uv/$name-$(id -u "$owner")

# tool NAME: a program from PyPI, pinned by hash, in a directory of its own that is kept for the next release; prints it.
tool() {
  local place
  place=/opt/berth/tools/$(sed -n '1s/^# \([^ ]*\) \([^ ,]*\).*/\1-\2/p' "$pins/$1.txt")
  if ! cmp -s "$pins/$1.txt" "$place/.complete"; then
    rm -rf "$place"
    mkdir -p "$place"
    if [ "$1" = uv ]; then
      logged /usr/bin/python3 -m pip install --quiet --disable-pip-version-check --no-input --root-user-action=ignore \
        --target "$place" --require-hashes --only-binary :all: --no-deps --requirement "$pins/uv.txt" || fail "pip could not install uv."
    else
      logged env "${uv_settings[@]}" "$uv" venv --no-project --quiet --allow-existing --no-python-downloads --python /usr/bin/python3 "$place"
      logged env "${uv_settings[@]}" "$uv" pip install --quiet --python "$place/bin/python" \
        --require-hashes --only-binary :all: --no-deps --requirement "$pins/$1.txt" || fail "uv could not install $1."
    fi
    cp "$pins/$1.txt" "$place/.complete"
  fi
  printf '%s\n' "$place"
}

# prepare_uv: $uv, which brings Pythons, makes environments and installs into them, and the settings that it runs with.
prepare_uv() {
  local place
  place=$(tool uv)
  uv=$place/bin/uv
  # The host's own authorities, as pip and git take them; one of a company's among them.
  uv_settings=(UV_SYSTEM_CERTS=true UV_NO_PROGRESS=true UV_PYTHON_INSTALL_DIR=/opt/berth/python UV_CACHE_DIR=/var/cache/berth/uv/root)
  case $python_mirror in
  '') ;;
  *.json) uv_settings+=(UV_PYTHON_DOWNLOADS_JSON_URL="$python_mirror") ;;
  *) uv_settings+=(UV_PYTHON_INSTALL_MIRROR="$python_mirror") ;;
  esac
  if [ -n "$index" ]; then uv_settings+=(UV_DEFAULT_INDEX="$index"); fi
  if [ -e "/etc/berth/$name/netrc" ]; then uv_settings+=(NETRC="/etc/berth/$name/netrc"); fi
  put_directory /var/cache/berth/uv root:root 0755
  put_directory /var/cache/berth/uv/root root:root 0700
  put_directory "$downloads" "$owner:$name" 2750
}

# owner_uv ARGUMENT…: as the owner, whose code the builds of packages are.
owner_uv() {
  logged as_owner env "${uv_settings[@]}" UV_CACHE_DIR="$downloads" UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT="$venv" "$uv" "$@"
}

# install ARGUMENT…: into the environment.
install() {
  owner_uv pip install --quiet --python "$venv/bin/python" --compile-bytecode "$@" ||
    fail "uv could not install the application's dependencies." "Its last lines are above; nothing that runs was changed."
}

# bring_python: $interpreter, the host's own where it is of the version that is asked for.
bring_python() {
  find_python() { env "${uv_settings[@]}" UV_NO_PROJECT=true "$uv" python find --managed-python --no-python-downloads "$python" 2>/dev/null; }
  interpreter=/usr/bin/python3
  if [ -z "$python" ] || [ "$python" = "$(version_of /usr/bin/python3)" ]; then return 0; fi
  interpreter=/usr/bin/python$python
  if [ -x "$interpreter" ]; then return 0; fi
  if ! interpreter=$(find_python); then
    say "bringing Python $python"
    logged env "${uv_settings[@]}" "$uv" python install --no-bin "$python" ||
      fail "uv could not bring Python $python (berth:app.python)." "Its last lines are above. The host itself must reach ${python_mirror:-github.com}; berth:app.pythonMirror names another place."
    interpreter=$(find_python) || fail "uv has brought no Python $python (berth:app.python) that it finds."
  fi
}

# version_of PYTHON [PARTS]: its version, such as 3.12.
version_of() { "$1" -I -c "import sys; print('.'.join(map(str, sys.version_info[:${2:-2}])))"; }

# misfit WORDS: what the source asks of its Python is not what this release would run with.
misfit() {
  fail "the source's $1, and this release would run with Python $(version_of "$interpreter")." \
    "Name a version that fits, such as berth:app.python: \"3.12\"; where the host has none, Berth brings it."
}

# check_python FILE: what the project says of its Python, before anything is installed: which versions it runs with, and,
# where the stack names none, which one it is written for.
check_python() {
  local asked
  asked=$(as_owner /usr/bin/python3 -I - "$(dirname "$directory/$1")" "$(version_of "$interpreter" 3)" "$python" 2>>"$log" <<'END'
import pathlib, re, sys, tomllib
from pip._vendor.packaging.specifiers import InvalidSpecifier, SpecifierSet

folder, version, chosen = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
try:
    wanted = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["requires-python"]
    if not SpecifierSet(wanted).contains(version, prereleases=True):
        sys.exit(print("pyproject.toml asks for Python", wanted))
except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidSpecifier):
    pass  # There is none, or it is the installer's to complain of.
try:
    first = (folder / ".python-version").read_text().split()[0]
except (OSError, ValueError, IndexError):
    first = ""
named = re.match(r"3\.\d+(?=\.|$)", first)
if named and not chosen and named[0] != ".".join(version.split(".")[:2]):
    print(".python-version asks for Python", named[0])
END
  )
  [ -z "$asked" ] || misfit "$asked"
}

# export_poetry FILE: what poetry.lock pins, with its hashes, as the requirements file $exported. Poetry reads the lock and
# asks no index. That the release's Python is another than the project's shows in no error: nothing would be installed.
export_poetry() {
  local place folder asked
  place=$(tool poetry)
  folder=$(dirname "$directory/$1")
  asked=$(as_owner "$place/bin/python" -I - "$folder/pyproject.toml" "$(version_of "$interpreter" 3)" 2>>"$log" <<'END'
import sys, tomllib
from poetry.core.constraints.version import Version, parse_constraint

try:
    wanted = tomllib.load(open(sys.argv[1], "rb"))["tool"]["poetry"]["dependencies"]["python"]
    if not parse_constraint(wanted).allows(Version.parse(sys.argv[2])):
        print("pyproject.toml asks for Python", wanted)
except (ValueError, KeyError, TypeError, AttributeError):
    pass
END
  )
  [ -z "$asked" ] || misfit "$asked"
  logged as_owner env POETRY_VIRTUALENVS_CREATE=false POETRY_KEYRING_ENABLED=false "$place/bin/poetry" export \
    --no-interaction --no-ansi --only main --format requirements.txt --directory "$folder" --output "$exported" ||
    fail "poetry could not read $1, or it does not fit its pyproject.toml." "Its last lines are above. Make the file anew with 'poetry lock' and commit it; nothing that runs was changed."
}

# install_server: where the application does not bring it: what it needs in turn may be there, in the application's version.
install_server() {
  local there
  there=$(as_owner env "${uv_settings[@]}" UV_CACHE_DIR="$downloads" "$uv" pip freeze --python "$venv/bin/python" 2>>"$log" | sed 's/[ =].*//' | paste -sd'|')
  awk -v there="^(${there:--})==" '/^[^ ]/ { wanted = !/^#/ && $0 !~ there } wanted' "$pins/$server.txt" |
    as_owner sh -c 'cat >"$1"' sh "$venv/server.txt"
  install --require-hashes --only-binary :all: --no-deps --requirement "$venv/server.txt"
}

# shareable FILE: whether it alone says what is installed: a file may name others, or code of the source.
shareable() {
  case $(basename "$1") in
  uv.lock) ! grep -qE '^source = \{ (editable|directory|path) = "[^"]*[^".]' < <(as_owner cat "$1") ;;
  poetry.lock) ! grep -qE '^type = "(directory|file)"' < <(as_owner cat "$1") ;;
  pyproject.toml) return 1 ;;
  *) ! grep -qE '^[[:space:]]*-[rce]|^[[:space:]]*--(requirement|constraint|editable)|^[^-].*/' < <(as_owner sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*--hash/d' "$1") ;;
  esac
}

# venv_of FILE: the directory of the environment that holds what this file asks for: releases that ask for the same
# share it.
venv_of() {
  {
    cat "$pins/$server.txt"
    basename "$1"
    "$interpreter" -VV
    printf '%s\n' "$interpreter" "$index"
    as_owner cat "$1"
    case $(basename "$1") in uv.lock | poetry.lock) as_owner cat "$(dirname "$1")/pyproject.toml" 2>/dev/null || true ;; esac
    shareable "$1" || printf '%s\n' "$release"
  } | sha256sum | cut -c1-16
}

install_dependencies() {
  local file=$requirements candidate place exported
  if [ -z "$file" ]; then
    for candidate in uv.lock poetry.lock requirements.txt pyproject.toml; do
      if [ -e "$directory/$candidate" ]; then
        file=$candidate
        break
      fi
    done
  fi
  [ -n "$file" ] || fail "the source names no dependencies: there is no uv.lock, poetry.lock, requirements.txt or pyproject.toml." "Name the file with berth:app.requirements."
  [ -e "$directory/$file" ] || fail "the source has no file '$file' (berth:app.requirements)."
  prepare_uv
  bring_python
  check_python "$file"

  place=$root/venvs/$(venv_of "$file")
  as_owner ln -sfn "$place" "$venv"
  # By its own path: what is written into scripts must hold when this release is gone.
  local venv=$place
  exported=$venv/requirements.txt
  if [ -e "$venv/.complete" ]; then
    say "the dependencies of $file are those of a release before"
    return 0
  fi
  say "installing the dependencies of $file"
  if [ "$(as_owner du -sm "$downloads" | cut -f1)" -gt 2000 ]; then owner_uv cache clean --quiet; fi
  discard "$venv"
  put_directory "$venv" "$owner:$name" 2750
  owner_uv venv --quiet --allow-existing --no-project --python "$interpreter" "$venv"
  case $(basename "$file") in
  uv.lock)
    [ -e "$directory/$(dirname "$file")/pyproject.toml" ] || fail "the source has no pyproject.toml beside $file." "Commit both; the lock file alone does not say what the application asks for."
    owner_uv sync --quiet --frozen --no-dev --no-install-project --no-editable --compile-bytecode \
      --python "$venv/bin/python" --directory "$(dirname "$directory/$file")" ||
      fail "uv could not install what $file pins." "Its last lines are above. Where the file cannot be read, make it anew with 'uv lock' and commit it; nothing that runs was changed."
    ;;
  poetry.lock)
    [ -e "$directory/$(dirname "$file")/pyproject.toml" ] || fail "the source has no pyproject.toml beside $file." "Commit both; the lock file alone does not say what the application asks for."
    export_poetry "$file"
    install --require-hashes --requirement "$exported"
    ;;
  pyproject.toml) install . ;;
  *)
    if grep -qE '(^|[[:space:]])--hash[=[:space:]]' < <(as_owner cat "$directory/$file"); then
      install --require-hashes --requirement "$file"
    else
      install --requirement "$file"
    fi
    ;;
  esac
  [ -x "$venv/bin/$server" ] || install_server
  # Every account may write uv's own locks.
  as_owner rm -f "$venv/.lock"
  sync -f "$venv"
  as_owner touch "$venv/.complete"
}
