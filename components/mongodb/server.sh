: "${program?where the program is to be}"
: "${sha256?its digest}"
: "${source?where it comes from: an address, or the name of a file in the home of the account of the engine}"
: "${private?the address at which other hosts reach it, as in a URL; empty where none does}"
: "${login?the login of the application}"
: "${application?the name of the application, and of the database}"
: "${role?the role in PostgreSQL that owns the data}"

home=${program%/*}
is_right() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$sha256" ]; }
put_directory "$home" root:root 0755
if ! is_right "$program"; then
  new=$home/.new
  rm -f "$new"
  case $source in
  http*)
    say "fetching FerretDB"
    logged curl --fail --silent --show-error --location --proto '=http,https' --max-filesize 268435456 --connect-timeout 15 --max-time 900 --retry 3 --output "$new" "$source" ||
      fail "FerretDB cannot be fetched from $source (mongodb.program.url)." "What curl said is above."
    is_right "$new" || {
      found=$(sha256sum <"$new" | cut -d' ' -f1)
      rm -f "$new"
      fail "what is at $source (mongodb.program.url) has the SHA-256 $found, and $sha256 was expected. It is not used." "Put the right file there, or the digest of a file that you trust into mongodb.program.sha256."
    }
    ;;
  *)
    cp -- "$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)/$source" "$new" 2>>"$log" ||
      fail "FerretDB's program, $source, is not on the host." "Run 'pulumi up' with --replace for the step that copies it, mongodb-program."
    is_right "$new" || fail "FerretDB's program did not arrive whole." "Run 'pulumi up' with --replace for the step that copies it, mongodb-program."
    ;;
  esac
  chmod 0755 "$new"
  runuser -u ferretdb -- "$new" --version >>"$log" 2>&1 ||
    fail "FerretDB's program does not run on this host, whose CPU is $(uname -m)." "Write that into mongodb.cpu, or name another program as mongodb.program."
  mv -fT "$new" "$program"
fi

# The unit has the link, so that it can start again also while another program is refused.
put_link "$home/ferretdb" "$program"

if [ -z "$private" ]; then take_away /etc/berth/private/ferretdb.crt /etc/berth/private/ferretdb.key; fi
daemon_reload_if_changed
# It waits for a PostgreSQL that begins later: 'enable' has to look at the unit anew for that.
on_change reenable ferretdb.service /etc/systemd/system/ferretdb.service
on_change restart ferretdb.service /etc/systemd/system/ferretdb.service "$home/ferretdb" /etc/berth/private/ferretdb
enabled ferretdb.service
find "$home" -mindepth 1 -maxdepth 1 -name 'ferretdb-*' ! -path "$program" -delete

# The proof: who has the password writes and reads; who has none, or another, gets nothing.
answer=
asks() { answer=$(printf 'mongodb://%s127.0.0.1:27017/%s%s\n' "$1" "$application" "$2" | timeout 60 /usr/bin/python3 -IB "$home/ask" 2>>"$log" | tail -n 1 || true); }
plain='?authMechanism=PLAIN'
well() { asks "$login:$(secret password)@" "$plain" && [ "$answer" = well ]; }
wait_until 30 well || fail "FerretDB does not take the application's password: ${answer:-no answer}" "Its log: $(journalctl -u ferretdb -n 3 -o cat --no-pager | tr '\n' ' ')"
asks "" ""
[ "$answer" != well ] || fail "FerretDB answers without a password."
asks "$login:another-password@" "$plain"
[ "$answer" != well ] || fail "FerretDB takes any password."
listening=$(ss -Hltn 'sport = :27017' | awk '{ print $4 }' | grep -vE '^127\.0\.0\.1:' | grep -vxF "${private:-none}:27017" || true)
[ -z "$listening" ] || fail "FerretDB listens on $listening; it must listen on the loopback address${private:+ and $private} alone."
