: "${name?the name of the application and of its service account}"
: "${root?the directory of the application}"
: "${files?a line for each file beside its code: its path in the directory of the application}"

# What lies there is what is wanted: an instance gets all of it.
own=$root/config/files
put_directory "$own" "root:$name" 0750
while read -r path; do
  grep -qxF -- "$path" <<<"$files" || take_away "$own/$path"
done < <(find "$own" ! -type d -printf '%P\n')
find "$own" -mindepth 1 -type d -empty -delete
while read -r path; do
  put_directory "$path" "root:$name" 0750
done < <(find "$own" -mindepth 1 -type d)

mapfile -t paths <<<"$files"
for path in env "${paths[@]/#/files/}"; do
  runuser -u "$name" -- test -r "$root/config/$path" || fail "the service account '$name' cannot read $root/config/$path."
  if runuser -u nobody -- test -r "$root/config/$path"; then fail "$root/config/$path can be read by other accounts."; fi
done
