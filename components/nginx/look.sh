: "${site?the name of the site}"
: "${site_names?the names by which it is asked, separated by spaces}"

needs_port nginx 80 nginx.service
needs_port nginx 443 nginx.service

# What nginx reads, each directive after the name of its file. Berth's own site and Debian's own default page are in nobody's way.
own=/etc/nginx/sites-enabled/$site.conf
default=/etc/nginx/sites-enabled/default
others() {
  { nginx -T 2>/dev/null || true; } | awk -v own="$own" -v default="$default" '
    /^# configuration file / { file = $4; sub(/:$/, "", file); next }
    file == own || file == default { next }
    { sub(/(^|[[:space:]])#.*/, ""); count = split($0, directives, /[{};]/); for (i = 1; i <= count; i++) print file, directives[i] }'
}
is_debians_default() {
  [ "$(readlink -f "$default")" = /etc/nginx/sites-available/default ] &&
    grep -q " $(md5sum </etc/nginx/sites-available/default | cut -d' ' -f1)" < <(dpkg-query -W -f '${Conffiles}\n' nginx-common | grep -F ' /etc/nginx/sites-available/default ')
}
if command -v nginx >/dev/null && [ -e /etc/nginx/nginx.conf ]; then
  grep -qE '^[^#]*include[[:space:]]+/etc/nginx/sites-enabled/\*' /etc/nginx/nginx.conf ||
    in_the_way "/etc/nginx/nginx.conf does not include /etc/nginx/sites-enabled, so nginx would not read this stack's site." "Put 'include /etc/nginx/sites-enabled/*;' into its 'http' part."
  if [ ! -e "$own" ] && ! reason=$(nginx -t 2>&1); then
    in_the_way "nginx refuses its configuration as it is: $(grep -m 1 emerg <<<"$reason" || tail -n 1 <<<"$reason")." "Repair it first; 'nginx -t' on the host tests it."
  fi
  if [ -e "$default" ] && ! is_debians_default; then
    in_the_way "$default, which Berth would remove, is not the page that Debian puts there." "Give the site another name, or remove it."
  fi
  while read -r file port; do
    in_the_way "nginx has a site in $file that is the default of port $port, and this stack's site must be the default." "Take 'default_server' out of its 'listen' lines and reload nginx; the site can stay."
  done < <(others | sed -nE 's/^([^ ]+)[[:space:]]+listen[[:space:]]+(\[::\]:|\*:|0\.0\.0\.0:)?(80|443)[[:space:]].*default_server.*/\1 \3/p' | sort -u)
  while read -r file address port; do
    case $address in 0.0.0.0 | 127.* | '[::]' | '[::1]') continue ;; esac
    in_the_way "nginx has a site in $file that listens at $address:$port, where it would answer instead of this stack's site." "Take the address out of its 'listen' lines and reload nginx; the site can stay."
  done < <(others | sed -nE 's/^([^ ]+)[[:space:]]+listen[[:space:]]+(\[[0-9a-fA-F:]+\]|[0-9.]+):(80|443)([[:space:]].*)?$/\1 \2 \3/p' | sort -u)
  # One that begins with * is no pattern of files.
  read -ra site_names <<<"$site_names"
  for name in "${site_names[@]}"; do
    while read -r file; do
      in_the_way "nginx has a site in $file that answers to '$name', a name of this stack's site." "Remove the name or the site there, and reload nginx."
    done < <(others | awk -v name="$name" '$2 == "server_name" { for (i = 3; i <= NF; i++) if ($i == name) print $1 }' | sort -u)
  done
fi
