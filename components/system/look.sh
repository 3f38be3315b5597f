: "${accounts?one line an account that Berth makes: the name, a space, the key of the configuration}"

# While there is nothing of Berth's here; later the steps themselves look after space.
if [ ! -e "$state/claim" ]; then
  memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
  swap=$(awk '/^SwapTotal:/ { print int($2 / 1024) }' /proc/meminfo)
  # What Linux shows of a machine that is sold as one of 512 MiB.
  if [ "$memory" -lt 400 ]; then
    in_the_way "this host has $memory MiB of memory, and the system with its services needs 512 MiB." "Give it more, or choose another machine."
  elif [ "$((memory + swap))" -lt 900 ]; then
    warn "this host has $memory MiB of memory and $swap MiB of swap; installing an application's dependencies may take more. Give it swap: 'fallocate -l 1G /swap && chmod 600 /swap && mkswap /swap && swapon /swap'."
  fi
  while read -r free place; do
    in_the_way "$place has $((free / 1024)) MiB of disk left, and packages and a release need 1024 MiB." "Free some space, or give the host a larger disk."
  done < <(df -k --output=avail,target / /var /srv 2>/dev/null | awk 'NR > 1 && $1 < 1048576' | sort -u)
fi

while read -r account key; do
  if [ -n "$account" ] && getent passwd "$account" >/dev/null; then
    while read -r what && read -r next; do in_the_way "$what" "$next"; done < <(not_own "$account" "$key")
  fi
done <<<"$accounts"
