: "${address?the private address of the host of FerretDB, as in a URL}"
: "${login?the login of the application}"
: "${application?the name of the database}"
: "${certificate?where the certificate lies that the server must show}"

answer=
# The URL goes by standard input and by no argument.
well() {
  answer=$(printf 'mongodb://%s:%s@%s:27017/%s?authMechanism=PLAIN&tls=true&tlsCAFile=%s\n' "$login" "$(secret password)" "$address" "$application" "$certificate" |
    timeout 60 /usr/bin/python3 -IB /usr/local/lib/berth/mongodb/ask 2>>"$log" | tail -n 1 || true)
  [ "$answer" = well ]
}
wait_until 15 well || fail "this host cannot use MongoDB at $address:27017: ${answer:-no answer}" "Look at the firewalls between the two hosts."
