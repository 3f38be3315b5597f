# Finds the script that it is given by its path inside Berth, followed by words for it, and runs it: in the package that
# the current folder, or one above it, has in node_modules; or in Berth's own checkout, where that is the current folder.
# BERTH_PACKAGE names another place.
set -efu
# shellcheck disable=SC2086  # words
set -- $1
script=$1
shift
if [ -n "${BERTH_PACKAGE:-}" ]; then exec bash "$BERTH_PACKAGE/$script" "$@"; fi
if [ -f "$script" ]; then exec bash "$script" "$@"; fi
folder=$PWD
while [ ! -f "$folder/node_modules/berth/$script" ]; do
  if [ -z "$folder" ]; then
    echo "berth: $script was not found: neither $PWD nor a folder above it has node_modules/berth. Install the packages of this program there, as by 'npm install', or name the folder of the package in BERTH_PACKAGE." >&2
    exit 78
  fi
  folder=${folder%/*}
done
found=$folder/node_modules/berth/$script
owner=$(stat -Lc %u "$found")
if [ "$owner" != 0 ] && [ "$owner" != "$(id -u)" ]; then
  echo "berth: $found belongs to another account ($owner) and is not run. Install the packages of this program." >&2
  exit 78
fi
exec bash "$found" "$@"
