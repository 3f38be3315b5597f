: "${processes?a line for each process: its name, kind, count, 'alone' or 'beside', 'restart' or 'keep', account, where its command is from}"
: "${owner?the account that owns the files}"
: "${web?not empty where the web server runs, and not only processes}"

while read -r process _ _ _ _ account _; do
  [ -n "$process" ] || continue
  [ "$account" = "$name" ] || put_service_account "$account" "/var/lib/$name-$process" "$name"
  [ "$account" != "$owner" ] || fail "the process '$process' cannot run as '$owner', which owns the code."
  prove_unit "$name-$process"
done <<<"$processes"
for file in "/etc/berth/$name/processes"/*; do
  if ! grep -q "^${file##*/} .* configured$" <<<"$processes"; then take_away "$file"; fi
done
# Of what there may be only one, that which has moved from here to the first host ends before the release goes live
# there: this step comes before that on every other host.
if [ -z "$web" ]; then
  for file in "$root/config/web"/*/units; do
    [ -e "$file" ] || continue
    while read -r unit process way; do
      if [ "$way" = alone ] && ! grep -q "^$process " <<<"$processes"; then
        logged systemctl stop "$unit" || fail "$unit runs on another host from now on, and cannot be stopped here."
      fi
    done <"$file"
  done
fi
