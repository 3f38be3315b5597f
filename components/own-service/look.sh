: "${own_services?a line for each service of the team: its name, its port and its packages}"

while read -r name port packages; do
  [ -n "$name" ] || continue
  needs_port "the service '$name' (services.$name.port)" "$port" "service-$name.service"
  if getent passwd "service-$name" >/dev/null; then
    while read -r what && read -r next; do in_the_way "$what" "$next"; done < <(not_own "service-$name" "services.$name")
  fi
  if [ -e "$state/claim" ]; then continue; fi
  for package in $packages; do
    while read -r unit; do
      in_the_way "$unit, of the package $package (services.$name), runs on this host already, and Berth would mask it." "Choose another machine. If nothing needs it, 'systemctl disable --now $unit' on the host makes way."
    done < <(dpkg -L "$package" 2>/dev/null | sed -nE 's#^(/usr)?/lib/systemd/system/([^/@]+\.(service|socket|timer))$#\2#p' | while read -r one; do if systemctl is-active --quiet "$one"; then echo "$one"; fi; done)
  done
done <<<"$own_services"
