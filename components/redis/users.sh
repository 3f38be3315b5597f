# The users of both servers, which two steps write, each the whole of it.
: "${server?redis or valkey: its account, and the name of its directories}"

settings=/etc/berth/$server
users=$settings/users.conf
own=$settings/own-password

# Root has a user of its own, which changes passwords while they run.
own_password() { cat "$own"; }
keep_own_password() {
  if [ -s "$own" ]; then note_file "$own" root:root 0600; else
    head -c 32 /dev/urandom | sha256sum | cut -d' ' -f1 | put_file "$own" root:root 0600
  fi
}

# passwords_of_before: the digests of those that are valid, a line each. One that somebody has added by hand is none of them.
# Those of the other server hold as well while its data moves here.
passwords_of_before() {
  local one
  for one in /etc/berth/redis/users.conf /etc/berth/valkey/users.conf; do
    by_hand "$one" || sed -n 's/^user default //p' "$one" 2>/dev/null | grep -oE '#[0-9a-f]{64}' | tr -d '#' || true
  done
}

digest() { printf %s "$1" | sha256sum | cut -d' ' -f1; }
asks_for_password() { [ -n "${secrets[password]+set}" ]; }

# let_in [DIGEST…]: by what the application's user gets in.
let_in() {
  if asks_for_password; then
    printf '#%s\n' "$(digest "$(secret password)")" "$@" | awk '!seen[$0]++' | paste -sd ' '
  else
    echo nopass
  fi
}

# put_users [DIGEST…]: the stack's password for the application's user, and those of before that are still at work. Who has it
# may do all but administer the server: make users that outlive a password, or write its settings. Root's own reads how long
# tasks wait (components/status/program/notices/queues.py).
put_users() {
  put_file "$users" "root:$server" 0640 <<CONF
user default on ~* &* +@all -@admin +client|list +config|get $(let_in "$@")
user berth on -@all +acl|setuser +acl|deluser +ping +info +config|get +config|set +bgrewriteaof %R~* +select +scan +llen +lindex +smembers +hget #$(digest "$(own_password)")
CONF
}
users_changed() { changed "$users"; }
