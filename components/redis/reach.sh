: "${server?redis or valkey: the first part of the name of its client}"
: "${title?as people know it}"
: "${address?the private address of its host}"
: "${ports?its ports with TLS: of the queue, and of the cache}"
: "${certificate?where the certificate lies that it must show}"

answer=
# The password goes by standard input and by no argument.
answers() {
  answer=$(printf 'AUTH %s\nPING\n' "$(secret password)" |
    timeout 5 "$server-cli" --tls --cacert "$certificate" -h "$address" -p "$1" 2>&1 | awk NF | tail -n 1 || true)
  [ "$answer" = PONG ]
}
for port in $ports; do
  wait_until 15 answers "$port" || fail "this host cannot use $title at $address:$port: ${answer:-no answer}" "Look at the firewalls between the two hosts."
done
