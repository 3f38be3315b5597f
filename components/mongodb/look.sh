needs_port "FerretDB (MongoDB)" 27017 ferretdb.service
if getent passwd ferretdb >/dev/null; then
  while read -r what && read -r next; do in_the_way "$what" "$next"; done < <(not_own ferretdb mongodb.enabled)
fi
