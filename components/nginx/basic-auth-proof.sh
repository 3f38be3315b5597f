: "${user?the name that visitors log in with}"
: "${password_file?where nginx looks for its password}"

# The password goes by standard input, as a line of curl's own configuration (curl(1), --config).
front() { curl -sk -o /dev/null -m 10 -w '%{http_code}' --resolve "$domain:443:127.0.0.1" --resolve "$domain:80:127.0.0.1" "$@" "$scheme://$domain$protected"; }
login() { printf 'user = "%s"\n' "$(printf '%s:%s' "$user" "$(secret basic_auth)" | sed 's/[\\"]/\\&/g')"; }
# A path that no application has: with the password it is asked, and answers what it likes.
protected=/berth/password
refused() { [ "$(front)" = 401 ]; }
wait_until 30 refused || fail "$scheme://$domain$protected answers $(front || true) without a password, and 401 was expected."
answer=$(login | front --config - || true)
[ "$answer" != 401 ] || fail "nginx rejects the name and the password in $password_file." "See 'tail /var/log/nginx/$name.error.log' on the host."
