: "${name?the name of the application and of its service account}"
: "${owner?the account that owns the files}"
: "${root?the directory of the application}"
: "${media?the directory of uploaded files}"
: "${link?where its owner finds it at home; empty for none}"

# Its sockets have a directory of its name, which goes when the application does.
[ ! -e "/run/$name" ] || getent passwd "$name" >/dev/null ||
  fail "something else on this host has /run/$name, where the application's sockets would be." "Choose another app.name."
put_service_account "$name" "$root" "app.name"

# mounted DIRECTORY: what is to be mounted there, or above it, is. Without it uploads would go to another disk, and be gone
# from sight once it is mounted again.
mounted() {
  local place=$1 unit state
  while [ -n "$place" ]; do
    unit=$(systemd-escape --path --suffix=mount "$place")
    state=$(systemctl show --property=LoadState,FragmentPath --value "$unit" | paste -sd' ')
    if mountpoint -q "$place"; then
      # Berth itself mounts the directories of a data volume.
      [ "$state" != "loaded " ] || grep -qxF -e "$place" /etc/berth/data-volume/directories 2>/dev/null ||
        say "$place is mounted by hand, and is not mounted when the host boots: write a line for it into /etc/fstab"
    elif [ "${state%% *}" = loaded ]; then
      fail "$place, where uploads are to lie, is not mounted, as /etc/fstab or $unit has it." "Run 'systemctl start $unit' on the host; 'journalctl -u $unit' says why if it fails. Then 'systemctl restart $name-web-start' starts the application."
    fi
    place=${place%/*}
  done
}

# The directory and what is directly in it belong to root, so that nobody can put anything else in its place. In
# releases and environments the owner writes the code, which the service's group reads; in static what nginx reads; only
# media, data and logs can be written by the service, and data is read by nobody else.
guarded "$root" "app.root"
put_directory "$root" root:root 0755
put_directory "$root/releases" "root:$name" 2751
put_directory "$root/venvs" "root:$name" 2751
put_directory "$root/static" root:www-data 2755
put_directory "$root/.gone" root:root 0700
# What a step that was killed has left there.
rm -rf "$root/.gone/"* 2>>"$log" || true
mounted "$media"
guarded "$media" "media.directory"
put_directory "$media" "$name:www-data" 2750
put_directory "$root/data" "$name:$name" 2750
put_directory "$root/logs" "$name:$name" 2750
put_directory "$root/config" "root:$name" 0750
put_link "$root/sockets" "/run/$name"

# In its owner's home there is a way to it, which the owner may take away.
if [ -n "$link" ] && [ "$(readlink "$link" || true)" != "$root" ]; then
  [ ! -d "$link" ] || fail "$link (app.root) is a directory, and a link to $root was expected." "Move it away, or choose another place."
  runuser -u "$owner" -- mkdir -p "$(dirname "$link")"
  runuser -u "$owner" -- ln -sfnT "$root" "$link"
fi

rule=/etc/sudoers.d/berth-$name
visudo -cqf "$rule" || { rm -f "$rule"; fail "sudo refuses the rule for '$owner'."; }
sudo -l -U "$owner" /usr/bin/systemctl restart "$name-web-start" >/dev/null || fail "'$owner' may not restart $name-web-start, though $rule says so." "A later rule on this host takes it away: 'sudo -l -U $owner' shows all."

# Asked as the service account itself: what counts is what the kernel lets it do.
for place in . releases venvs static config; do
  if runuser -u "$name" -- test -w "$root/$place"; then fail "the service account '$name' can write $root/$place."; fi
done
for place in "$media" "$root/data"; do
  runuser -u "$name" -- test -w "$place" || fail "the service account '$name' cannot write $place."
done
