: "${name?the name of the site}"
: "${scheme?http or https}"
: "${domain?the name to ask the site by}"
: "${health?the path that answers 200 when the application is healthy}"
: "${files?what nginx is to read, by its place below /etc/nginx, one a line}"

# nginx would make them readable to everyone; an address may hold what is nobody else's, such as the token of a new password.
for file in "/var/log/nginx/$name.access.log" "/var/log/nginx/$name.error.log"; do
  guarded "$file"
  [ -e "$file" ] || (umask 077 && : >"$file")
  if [ "$(stat -c '%U:%G %a' "$file")" != "www-data:adm 640" ]; then
    chown www-data:adm "$file"
    chmod 0640 "$file"
  fi
done

# What nginx is to read lies here, and is tried beside what it reads now: in a copy of its directory, which takes the
# place of the directory for this one command. A wrong line changes nothing.
wanted=/etc/berth/nginx
trial=/run/berth-nginx-trial
mapfile -t files <<<"$files"
rm -rf "$trial"
(umask 077 && mkdir "$trial")
cp -a /etc/nginx/. "$trial"
rm -f "$trial/sites-enabled/default"
ln -sfn "/etc/nginx/sites-available/$name.conf" "$trial/sites-enabled/$name.conf"
for file in "${files[@]}"; do cp "$wanted/$file" "$trial/$file"; done
# A site of another name would be in this one's way, and goes with it.
keeps "${files[@]/#//etc/nginx/}" "/etc/nginx/sites-enabled/$name.conf"
while read -r file; do
  case $file in /etc/nginx/*) rm -f "$trial/${file#/etc/nginx/}" ;; esac
done < <(former)
tried=0
reason=$(unshare --mount -- bash -c 'mount --bind "$1" /etc/nginx && exec nginx -t' bash "$trial" 2>&1 9>&-) || tried=$?
rm -rf "$trial"
[ "$tried" = 0 ] ||
  fail "nginx refuses the configuration: $(grep -m 1 emerg <<<"$reason" || tail -n 1 <<<"$reason")." "Nothing has been changed; what runs now goes on."
for file in "${files[@]}"; do put_file "/etc/nginx/$file" root:root 0644 <"$wanted/$file"; done
put_link "/etc/nginx/sites-enabled/$name.conf" "/etc/nginx/sites-available/$name.conf"
rm -f /etc/nginx/sites-enabled/default
take_away_former

on_change reload nginx.service /etc/nginx/
enabled nginx.service

ask() { curl -sk -o /dev/null -m "$1" -w '%{http_code}' --resolve "$domain:443:127.0.0.1" --resolve "$domain:80:127.0.0.1" "$2"; }
well() { [ "$(ask 10 "$scheme://$domain$health")" = 200 ]; }
wait_until 30 well || fail "$scheme://$domain$health answers $(ask 10 "$scheme://$domain$health" || true) through nginx, and 200 was expected." "See 'tail /var/log/nginx/$name.error.log' on the host."
# A reload takes a moment in which the workers of before still answer.
sent_on() { [ "$(ask 10 "http://$domain/")" = 301 ]; }
if [ "$scheme" = https ]; then wait_until 30 sent_on || fail "http://$domain/ is not sent on to HTTPS."; fi
