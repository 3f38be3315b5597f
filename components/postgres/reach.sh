: "${address?the private address of the host of the database}"
: "${database?the name of the database}"
: "${role?the role that owns it}"
: "${certificate?where the certificate lies that the server must show}"

printf '%s:5432:*:%s:%s\n' "${address//:/\\:}" "$role" "$(secret password)" | hide
answer=
log_in() {
  answer=$(PGPASSFILE=$hidden psql -XAtqw -c 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()' \
    "host=$address port=5432 dbname=$database user=$role connect_timeout=5 sslmode=verify-ca sslrootcert=$certificate" 2>&1)
}
wait_until 15 log_in || fail "this host cannot use the database at $address:5432: $(tr '\n' ' ' <<<"$answer")" "Look at the firewalls between the two hosts."
[ "$answer" = t ] || fail "the connection to the database at $address:5432 is not encrypted."
