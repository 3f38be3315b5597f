: "${python?the Python to use, such as python3}"
: "${requirements?the file that names the dependencies; empty to look for the usual ones}"
: "${server?gunicorn or uwsgi}"
: "${server_pin?the requirement to install when the application does not bring that server}"
: "${uv?the requirement for uv, which reads uv.lock}"
: "${poetry?the requirement for poetry, which reads poetry.lock}"
: "${poetry_export?the requirement for its plugin that exports}"

pip_install() {
  logged as_owner "/usr/bin/$python" -m pip --python "$venv/bin/python" install --quiet "$@" ||
    fail "pip could not install the application's dependencies." "Its last lines are above; nothing that runs was changed."
}

# tool REQUIREMENT…: programs from PyPI in an environment of their own, kept for the next release; prints its directory.
tool() {
  local place="$*"
  place=${place//==/-}
  place=/opt/berth/tools/${place// /+}
  if [ ! -e "$place/.complete" ]; then
    rm -rf "$place"
    mkdir -p /opt/berth/tools
    logged "/usr/bin/$python" -m venv --without-pip "$place"
    logged "/usr/bin/$python" -m pip --python "$place/bin/python" install --quiet --disable-pip-version-check "$@" ||
      fail "pip could not install $*."
    : >"$place/.complete"
  fi
  printf '%s\n' "$place"
}

# export_lock FILE: what a lock file pins, with its hashes, as the requirements file $exported. The tool reads the lock
# and asks no index, so that pip alone downloads, by the host's own settings.
export_lock() {
  local place folder
  folder=$directory/$(dirname "$1")
  [ -e "$folder/pyproject.toml" ] || fail "the source has no pyproject.toml beside $1." "Commit both; the lock file alone does not say what the application asks for."
  case $(basename "$1") in
  uv.lock) place=$(tool "$uv") ;;
  *) place=$(tool "$poetry" "$poetry_export") ;;
  esac
  case $(basename "$1") in
  uv.lock)
    logged as_owner env UV_PYTHON_DOWNLOADS=never "$place/bin/uv" export --quiet --frozen --offline --no-cache \
      --no-dev --no-emit-project --format requirements-txt --python "$venv/bin/python" \
      --directory "$folder" --output-file "$exported" ||
      fail "uv could not read $1." "Its last lines are above. Make the file anew with 'uv lock' and commit it; nothing that runs was changed."
    ;;
  *)
    logged as_owner env POETRY_VIRTUALENVS_CREATE=false POETRY_KEYRING_ENABLED=false "$place/bin/poetry" export \
      --no-interaction --no-ansi --only main --format requirements.txt --directory "$folder" --output "$exported" ||
      fail "poetry could not read $1, or it does not fit its pyproject.toml." "Its last lines are above. Make the file anew with 'poetry lock' and commit it; nothing that runs was changed."
    ;;
  esac
}

# shareable FILE: whether it alone says what is installed: a requirements file may name others, or files of the source.
shareable() {
  case $(basename "$1") in
  uv.lock | poetry.lock) return 0 ;;
  pyproject.toml) return 1 ;;
  *) ! grep -qE '^[[:space:]]*-[rce]|^[[:space:]]*--(requirement|constraint|editable)|^[^-].*/' < <(as_owner sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*--hash/d' "$1") ;;
  esac
}

# venv_of FILE: the directory of the environment that holds what this file asks for: releases that ask for the same
# share it.
venv_of() {
  {
    printf '%s\n' "$server_pin $(basename "$1")"
    "/usr/bin/$python" -VV
    as_owner cat "$1"
    case $(basename "$1") in uv.lock | poetry.lock) as_owner cat "$(dirname "$1")/pyproject.toml" 2>/dev/null || true ;; esac
    shareable "$1" || printf '%s\n' "$release"
  } | sha256sum | cut -c1-16
}

install_dependencies() {
  local file=$requirements candidate place exported
  [ -x "/usr/bin/$python" ] || fail "this host has no $python (berth:app.python); it has $(python3 --version)."
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

  place=$root/venvs/$(venv_of "$file")
  as_owner ln -sfn "$place" "$venv"
  # By its own path: what pip writes into scripts must hold when this release is gone.
  local venv=$place
  exported=$venv/requirements.txt
  if [ -e "$venv/.complete" ]; then
    say "the dependencies of $file are those of a release before"
    return 0
  fi
  say "installing the dependencies of $file"
  discard "$venv"
  put_directory "$venv" "$owner:$name" 2750
  logged as_owner "/usr/bin/$python" -m venv --without-pip "$venv"
  case $(basename "$file") in
  uv.lock | poetry.lock)
    export_lock "$file"
    pip_install --require-hashes --requirement "$exported"
    ;;
  pyproject.toml) pip_install . ;;
  *) pip_install --requirement "$file" ;;
  esac
  [ -x "$venv/bin/$server" ] || pip_install "$server_pin"
  sync -f "$venv"
  as_owner touch "$venv/.complete"
}
