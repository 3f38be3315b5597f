: "${place?where nginx finds the pages}"
: "${pages?their paths below it, one a line}"

while read -r page; do
  runuser -u www-data -- test -r "$place/$page" || fail "nginx's workers cannot read $place/$page."
done <<<"$pages"
