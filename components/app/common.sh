: "${name?the name of the application}"
: "${owner?the account that owns the files}"
: "${root?the directory of the application}"
: "${release?the id of the release}"

directory=$root/releases/$release
venv=$directory/.venv
home=$(getent passwd "$owner" | cut -d: -f6)

# as_owner COMMAND…: as the account that owns the files, in the release, with a clean environment.
as_owner() {
  runuser -u "$owner" -- env -i -C "$directory" HOME="$home" USER="$owner" LANG=C.UTF-8 \
    PATH="$venv/bin:/usr/local/bin:/usr/bin:/bin" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 \
    sh -c 'umask 027; exec "$@"' sh "$@"
}
