: "${name?the name of the application and of its service account}"
: "${owner?the account that owns the files}"
: "${root?the directory of the application}"

put_service_account "$name" "$root"

# The owner writes code and static files; the service's group reads the code, nginx reads the static files; only
# media and logs can be written by the service.
case $root in /home/"$owner"/*) chmod 0711 "/home/$owner" ;; esac
put_directory "$root" "$owner:$name" 0755
put_directory "$root/releases" "$owner:$name" 2750
put_directory "$root/static" "$owner:www-data" 2755
put_directory "$root/media" "$name:www-data" 2750
put_directory "$root/logs" "$name:$name" 2750
put_directory "$root/config" "root:$name" 0750
put_link "$root/sockets" "/run/$name"

rule=/etc/sudoers.d/berth-$name
visudo -cqf "$rule" || { rm -f "$rule"; fail "sudo refuses the rule for '$owner'."; }
sudo -l -U "$owner" /usr/bin/systemctl restart "$name-web-start" >/dev/null || fail "'$owner' may not restart $name-web-start, though $rule says so." "A later rule on this host takes it away: 'sudo -l -U $owner' shows all."

# Asked as the service account itself: what counts is what the kernel lets it do.
for place in releases static config; do
  if runuser -u "$name" -- test -w "$root/$place"; then fail "the service account '$name' can write $root/$place."; fi
done
runuser -u "$name" -- test -w "$root/media" || fail "the service account '$name' cannot write $root/media."
