# Uploaded files of a site that ran elsewhere, as a tar on standard input: run as the application, in its environment.
set -eu
if [ ! -d "${MEDIA_ROOT:-}" ]; then
  echo "berth: the application keeps its uploads elsewhere, and not in MEDIA_ROOT" >&2
  exit 1
fi
count() { find "$MEDIA_ROOT" -type f | wc -l; }
before=$(count)
# A file that has arrived in part is no upload: they come to their places when all are there.
new=$MEDIA_ROOT/.berth-import
rm -rf "$new"
mkdir "$new"
trap 'rm -rf "$new"' EXIT
# Neither owners nor rights are those of another machine.
tar --extract --file=- --directory="$new" --no-same-owner --no-same-permissions
cp --recursive --link --update=none "$new/." "$MEDIA_ROOT/"
rm -rf "$new"
now=$(count)
echo "berth: $((now - before)) uploaded files are new; $now are there now"
