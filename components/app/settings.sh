: "${name?the name of the application and of its service account}"
: "${root?the directory of the application}"

runuser -u "$name" -- test -r "$root/config/env" || fail "the service account '$name' cannot read $root/config/env."
if runuser -u nobody -- test -r "$root/config/env"; then fail "$root/config/env can be read by other accounts."; fi
