: "${name?the name of the application}"
: "${facts?what visitors are expected to get, as JSON}"
: "${static_root?where nginx finds the static files, or nothing}"

# The lock goes with the program (file 9), which ends when this step is killed.
status=0
setpriv --pdeathsig KILL "/usr/local/lib/berth/$name/berth-release" front "$step" <<<"$facts" || status=$?
[ "$status" -le 1 ] || fail "the release program ended with status $status." "What it printed is in $log on the host."
[ "$status" = 0 ] || exit 1
