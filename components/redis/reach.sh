: "${address?the private address of the host of Redis}"
: "${port?its port with TLS}"
: "${certificate?where the certificate lies that the server must show}"

answer=
# The password goes by standard input and by no argument.
answers() {
  answer=$(printf 'AUTH %s\nPING\n' "$(secret password)" |
    timeout 5 redis-cli --tls --cacert "$certificate" -h "$address" -p "$port" 2>&1 | awk NF | tail -n 1 || true)
  [ "$answer" = PONG ]
}
wait_until 15 answers || fail "this host cannot use Redis at $address:$port: ${answer:-no answer}" "Look at the firewalls between the two hosts."
