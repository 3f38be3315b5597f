: "${chain?the certificate that the stack brings, in PEM}"
: "${kind?self-signed, own or acme}"

program=/usr/local/lib/berth/certificate
# Of the kind 'acme' it is what the site begins with.
pair() { printf '%s\n' "$chain"; secret key; }
said=$(pair | python3 -IB "$program" put 2>>"$log" 9>&-) || fail "the certificate ($kind) cannot be put in place: ${said:-see $log on the host.}"
if [ "$(stat -Lc '%U:%G %a' /etc/ssl/berth/site.key)" != "root:root 600" ]; then fail "/etc/ssl/berth/site.key can be read by other accounts."; fi
