: "${place?where nginx finds the pages}"
: "${pages?their paths below it, one a line}"

while read -r page; do
  runuser -u www-data -- test -r "$place/$page" || fail "nginx's workers cannot read $place/$page."
done <<<"$pages"
# What the stack's file had before and has no longer.
find "$place" -type f | while read -r file; do
  grep -qxF "${file#"$place/"}" <<<"$pages" || rm -f "$file"
done
