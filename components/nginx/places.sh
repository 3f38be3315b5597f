: "${places?paths of the site, what of this host answers there, and the file in it that answers for what is not there, one a line}"

while read -r path place fallback; do
  case $path in
  */) kind=directory looks=(test -d "$place" -a -r "$place" -a -x "$place") ;;
  *) kind=file looks=(test -f "$place" -a -r "$place") ;;
  esac
  at=
  for part in ${place//\// }; do
    at=$at/$part
    if [ -L "$at" ] && [ "$(stat -c %u "$at")" != "$(stat -Lc %u "$at" 2>/dev/null)" ]; then
      fail "$at (site.locations, $path) is a link to what belongs to another account, and nginx does not follow it." "Nothing of the site has been changed. Name the place that it leads to."
    fi
  done
  # As nginx itself sees it.
  runuser -u www-data -- "${looks[@]}" ||
    fail "$place (site.locations, $path) is no $kind that nginx can read." "Nothing of the site has been changed. Put it there ('npm run ssh'), readable to the account www-data, as the directories above it must be; or correct the path."
  [ -z "$fallback" ] || runuser -u www-data -- test -f "$place/$fallback" -a -r "$place/$fallback" ||
    fail "$place has no file '$fallback' that nginx can read (site.locations, $path, fallback)." "Nothing of the site has been changed. Put it there, or correct the name."
done <<<"$places"
