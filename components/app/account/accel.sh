: "${shown?directories below that of uploads, from which nginx sends what the application tells it to, one a line}"

# The application's account makes them, and nginx's looks at them: root would follow what the application puts in their place.
while read -r directory; do
  place=$media/$directory
  # shellcheck disable=SC2016 # Its own argument.
  runuser -u "$name" -- sh -c 'umask 027 && mkdir -p -- "$1"' sh "$place" ||
    fail "$place (site.accel) cannot be made by the account '$name'." "Move away what is there."
  [ "$(runuser -u "$name" -- realpath -- "$place")" = "$(realpath -- "$media")/$directory" ] ||
    fail "$place (site.accel) is a link or lies behind one, and nginx follows none there." "Put a directory in its place."
  runuser -u www-data -- test -r "$place/" -a -x "$place/" ||
    fail "nginx cannot read $place (site.accel)." "Run 'sudo runuser -u $name -- chmod -R g+rX $place' on the host."
done <<<"$shown"
