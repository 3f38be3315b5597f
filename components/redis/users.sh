# Redis's users, which two steps write, each the whole of it.

users=/etc/berth/redis/users.conf
own=/etc/berth/redis/own-password

# Root has a user of its own, which changes passwords while Redis runs.
own_password() { cat "$own"; }
keep_own_password() {
  if [ -s "$own" ]; then note_file "$own" root:root 0600; else
    head -c 32 /dev/urandom | sha256sum | cut -d' ' -f1 | put_file "$own" root:root 0600
  fi
}

# passwords_of_before: the digests of those that are valid, a line each. One that somebody has added by hand is none of them.
passwords_of_before() {
  by_hand "$users" || sed -n 's/^user default //p' "$users" 2>/dev/null | grep -oE '#[0-9a-f]{64}' | tr -d '#' || true
}

digest() { printf %s "$1" | sha256sum | cut -d' ' -f1; }

# put_users [DIGEST…]: the stack's password for the application's user, and those of before that are still at work. Who has it
# may do all but administer the server: make users that outlive a password, or write its settings.
put_users() {
  put_file "$users" root:redis 0640 <<CONF
user default on ~* &* +@all -@admin +client|list +config|get $(printf '#%s\n' "$(digest "$(secret password)")" "$@" | awk '!seen[$0]++' | paste -sd ' ')
user berth on -@all +acl|setuser +ping +info +config|get +config|set #$(digest "$(own_password)")
CONF
}
users_changed() { changed "$users"; }
