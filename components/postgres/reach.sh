: "${address?the private address of the host of the database}"
: "${database?the name of the database}"
: "${login?the login that has the password}"
: "${certificate?where the certificate lies that the server must show}"

printf '%s:5432:*:%s:%s\n' "${address//:/\\:}" "$login" "$(secret password)" | hide
answer=
log_in() {
  # Of its own session a login is told, and not the role that it becomes.
  answer=$(PGPASSFILE=$hidden psql -XAtqw -c 'SET ROLE NONE' -c 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()' \
    "host=$address port=5432 dbname=$database user=$login connect_timeout=5 sslmode=verify-ca sslrootcert=$certificate" 2>&1)
}
wait_until 15 log_in || fail "this host cannot use the database at $address:5432: $(tr '\n' ' ' <<<"$answer")" "Look at the firewalls between the two hosts."
[ "$answer" = t ] || fail "the connection to the database at $address:5432 is not encrypted."
