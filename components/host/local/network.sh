# The private network of this computer's local hosts: a bridge, addresses, and the way out. Needs common.sh.
# shellcheck disable=SC2154  # common.sh sets them

# network: the three numbers before the last of the network's addresses, such as 10.219.83. The first machine
# settles it for all that follow.
network() {
  local wanted=${BERTH_NETWORK:-10.219.83.0/24}
  if [ -f "$library/network" ]; then cat "$library/network"; return; fi
  [[ $wanted =~ ^(([0-9]{1,3}\.){2}[0-9]{1,3})\.0/24$ ]] || fail "BERTH_NETWORK is '$wanted'." \
    "Give a private network of 256 addresses, such as 10.219.83.0/24."
  local prefix=${BASH_REMATCH[1]} clash
  clash=$({ ip -4 route show table all to match "$wanted"; ip -4 route show table all to root "$wanted"; } |
    grep -vE "^(default|0\.0\.0\.0/0)|dev $bridge( |$)" | head -n 1 || true)
  [ -z "$clash" ] || fail "the network for local hosts, $wanted, is already in use here: $clash." \
    "Choose another with BERTH_NETWORK, such as BERTH_NETWORK=10.177.41.0/24."
  mkdir -p "$library"
  printf '%s' "$prefix" >"$library/network"
  printf '%s' "$prefix"
}

# free_address PREFIX: the first that no machine has.
free_address() {
  local last
  for last in $(seq 2 254); do
    if ! grep -qsxF "$1.$last" "$machines"/*/address; then printf '%s.%s' "$1" "$last"; return; fi
  done
  fail "all 253 addresses of $1.0/24 are taken by local hosts." "Destroy some of them."
}

# network_up PREFIX: running twice changes nothing.
network_up() {
  local prefix=$1
  if ! ip link show "$bridge" >/dev/null 2>&1; then
    ip link add "$bridge" type bridge
  fi
  ip address replace "$prefix.1/24" dev "$bridge"
  ip link set "$bridge" up
  if [ "$(sysctl -n net.ipv4.ip_forward)" = 0 ]; then
    # Remembered, so that it is put back when the last machine goes.
    touch "$run/ip_forward_was_off"
    sysctl -qw net.ipv4.ip_forward=1
  fi
  # A table of our own: nothing of the computer's firewall is touched. Machines may go out; nobody but this
  # computer may come in.
  nft -f - <<RULES
table ip berth
delete table ip berth
table ip berth {
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip saddr $prefix.0/24 ip daddr != $prefix.0/24 masquerade
  }
  chain forward {
    type filter hook forward priority filter
    iifname "$bridge" accept
    oifname "$bridge" ct state established,related accept
    oifname "$bridge" drop
  }
}
RULES
  # One firewall's "accept" cannot overrule another's "drop".
  local closed
  closed=$(nft list chains 2>/dev/null | awk '
    $1 == "table" { table = $2 " " $3 }
    $1 == "chain" { chain = $2 }
    /hook forward/ && /policy drop/ { print table " " chain; exit }')
  if [ -n "$closed" ]; then
    say "this computer's firewall (nft chain '$closed') refuses forwarding, so the local host may reach no package archive. If so, allow it: nft insert rule $closed iifname $bridge accept; nft insert rule $closed oifname $bridge ct state established,related accept"
  fi
}

network_down() {
  if ip link show "$bridge" >/dev/null 2>&1; then ip link delete "$bridge"; fi
  nft -f - <<<$'table ip berth\ndelete table ip berth'
  if [ -e "$run/ip_forward_was_off" ]; then
    # What came later and forwards as well, such as Docker, has found it on and relies on it.
    others_forward || sysctl -qw net.ipv4.ip_forward=0
    rm -f "$run/ip_forward_was_off"
  fi
}

others_forward() {
  nft list ruleset 2>/dev/null | grep -qE 'hook (forward|postrouting)' || [ -n "$(ip -o link show type bridge)" ]
}

# resolvers: this computer's name servers that a machine can reach too. One that listens on 127.0.0.* (the stub
# of systemd-resolved, dnsmasq of NetworkManager) can't be; those two write down whom they ask themselves.
resolvers() {
  local file found
  if [ -n "${BERTH_DNS:-}" ]; then printf '%s\n' "${BERTH_DNS//,/$'\n'}"; return; fi
  for file in /etc/resolv.conf /run/systemd/resolve/resolv.conf /run/NetworkManager/no-stub-resolv.conf; do
    found=$(awk '$1 == "nameserver" && $2 !~ /^(127\.|::1$|fe80:)/ { print $2 }' "$file" 2>/dev/null || true)
    if [ -n "$found" ]; then printf '%s\n' "$found"; return; fi
  done
  fail "this computer's only name server listens on 127.0.0.*, where a local host can't reach it." \
    "Name one that it can reach with BERTH_DNS=address."
}
