: "${python?the Python to use, such as python3}"
: "${requirements?the file that names the dependencies; empty to look for the usual ones}"
: "${gunicorn?the requirement to install when the application does not bring gunicorn}"
: "${uv?the requirement for uv, which reads uv.lock}"
: "${poetry?the requirement for poetry, which reads poetry.lock}"

pip_install() {
  logged as_owner "/usr/bin/$python" -m pip --python "$venv/bin/python" install --quiet "$@" ||
    fail "pip could not install the application's dependencies." "Its last lines are above; nothing that runs was changed."
}

# tool REQUIREMENT: a program from PyPI in an environment of its own, kept for the next release; prints its directory.
tool() {
  local place=/opt/berth/tools/${1//==/-}
  if [ ! -e "$place/.complete" ]; then
    rm -rf "$place"
    mkdir -p /opt/berth/tools
    logged "/usr/bin/$python" -m venv --without-pip "$place"
    logged "/usr/bin/$python" -m pip --python "$place/bin/python" install --quiet --disable-pip-version-check "$1" ||
      fail "pip could not install $1."
    : >"$place/.complete"
  fi
  printf '%s\n' "$place"
}

install_dependencies() {
  local file=$requirements candidate place
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

  say "installing the dependencies of $file"
  logged as_owner "/usr/bin/$python" -m venv --without-pip "$venv"
  case $(basename "$file") in
  uv.lock)
    place=$(tool "$uv")
    logged as_owner env UV_PROJECT_ENVIRONMENT="$venv" UV_PYTHON_DOWNLOADS=never \
      "$place/bin/uv" sync --quiet --frozen --no-dev --no-install-project --python "$venv/bin/python" ||
      fail "uv could not install the application's dependencies." "Its last lines are above; nothing that runs was changed."
    ;;
  poetry.lock)
    place=$(tool "$poetry")
    logged as_owner env VIRTUAL_ENV="$venv" POETRY_VIRTUALENVS_CREATE=false POETRY_NO_INTERACTION=1 \
      "$place/bin/poetry" install --quiet --only main --no-root ||
      fail "poetry could not install the application's dependencies." "Its last lines are above; nothing that runs was changed."
    ;;
  pyproject.toml) pip_install . ;;
  *) pip_install --requirement "$file" ;;
  esac
  [ -x "$venv/bin/gunicorn" ] || pip_install "$gunicorn"
}
