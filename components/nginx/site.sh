: "${name?the name of the site}"
: "${scheme?http or https}"
: "${domain?the name to ask the site by}"
: "${health?the path that answers 200 when the application is healthy}"

rm -f /etc/nginx/sites-enabled/default
# nginx would make them readable to everyone; an address may hold what is nobody else's, such as the token of a new password.
for file in "/var/log/nginx/$name.access.log" "/var/log/nginx/$name.error.log"; do
  guarded "$file"
  [ -e "$file" ] || (umask 077 && : >"$file")
  if [ "$(stat -c '%U:%G %a' "$file")" != "www-data:adm 640" ]; then
    chown www-data:adm "$file"
    chmod 0640 "$file"
  fi
done
put_link "/etc/nginx/sites-enabled/$name.conf" "/etc/nginx/sites-available/$name.conf"

if ! reason=$(nginx -t 2>&1); then
  rm -f "/etc/nginx/sites-enabled/$name.conf"
  fail "nginx refuses its configuration: $(grep -m 1 emerg <<<"$reason" || tail -n 1 <<<"$reason")." "The site was taken out of sites-enabled, so that nginx can still start; what runs now goes on."
fi
on_change reload nginx.service /etc/nginx/
enabled nginx.service

ask() { curl -sk -o /dev/null -m "$1" -w '%{http_code}' --resolve "$domain:443:127.0.0.1" --resolve "$domain:80:127.0.0.1" "$2"; }
well() { [ "$(ask 10 "$scheme://$domain$health")" = 200 ]; }
wait_until 30 well || fail "$scheme://$domain$health answers $(ask 10 "$scheme://$domain$health" || true) through nginx, and 200 was expected." "See 'tail /var/log/nginx/$name.error.log' on the host."
# A reload takes a moment in which the workers of before still answer.
sent_on() { [ "$(ask 10 "http://$domain/")" = 301 ]; }
if [ "$scheme" = https ]; then wait_until 30 sent_on || fail "http://$domain/ is not sent on to HTTPS."; fi
