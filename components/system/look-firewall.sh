: "${open_ports?the TCP ports that everyone must reach}"

# What closes a port to visitors beside Berth's own table, for a packet must get through all of them: a line each, with
# the port, 'closed' or 'sent', and the table. From the rules that a packet meets on its way in, as far as they are
# understood here; where one may let it in, nothing is said.
closing() {
  nft list ruleset 2>/dev/null | awk -v ports="$open_ports" '
    # Whether a rule is for this port.
    function names(rule, port,   list, parts, ends, i, count) {
      if (rule !~ /(tcp|th) dport/) return 0
      list = rule
      sub(/.*dport (!= )?/, "", list)
      if (sub(/^\{ */, "", list)) sub(/ *\}.*/, "", list)
      else sub(/ .*/, "", list)
      count = split(list, parts, /, */)
      for (i = 1; i <= count; i++) {
        if (split(parts[i], ends, "-") == 2) { if (port >= ends[1] + 0 && port <= ends[2] + 0) return 1 }
        else if (parts[i] + 0 == port) return 1
      }
      return 0
    }
    # Whether it is for what comes from everywhere, and begins.
    function is_broad(rule) { return rule !~ /saddr|daddr|"lo"|icmp|limit|iif "?lo|ct status/ && (rule !~ /ct state/ || rule ~ /new/) }
    function walk(chain,   i, j, port, rule, target) {
      if (chain in walked) return
      walked[chain] = 1
      for (i = 1; i <= rules[chain]; i++) {
        rule = text[chain, i]
        target = ""
        if (match(rule, /(jump|goto) [^ ]+/)) { target = substr(rule, RSTART + 5, RLENGTH - 5) }
        if (rule ~ /dport/) {
          if (rule ~ /accept|jump|goto/ && rule ~ /@|map/) open = 1
          for (j = 1; j <= wanted; j++) {
            port = want[j] + 0
            if (!names(rule, port)) continue
            if (rule ~ /accept|jump|goto/) opened[port] = 1
            else if (rule ~ /drop|reject/ && is_broad(rule) && rule !~ /iif|@|!=/ && !opened[port]) refused[port] = 1
          }
        } else if (target != "") { if (is_broad(rule)) walk(target) }
        else if (rule ~ /accept/ && is_broad(rule)) open = 1
        # The last rule refuses what none before it has let in.
        else if (chain in input && rule ~ /^(counter packets [0-9]+ bytes [0-9]+ )?(drop|reject)/) shut = 1
      }
    }
    function verdict(   chain, j, port) {
      for (chain in input) walk(chain)
      for (j = 1; j <= wanted; j++) {
        port = want[j] + 0
        if (refused[port] || (shut && !open && !opened[port])) print port, "closed", table
        else if (sent[port]) print port, "sent", table
      }
    }
    BEGIN { wanted = split(ports, want, " ") }
    /^table / {
      table = $2 " " $3
      seen = table != "inet berth" && ($2 == "ip" || $2 == "inet")
      shut = open = 0
      split("", opened); split("", refused); split("", sent); split("", input); split("", rules); split("", text); split("", walked)
    }
    !seen { next }
    /^\tchain / { chain = $2; next }
    /hook input/ { input[chain] = 1; if (/policy drop/) shut = 1; next }
    / hook / { next }
    /^\t\t/ {
      rule = $0
      sub(/^\t+/, "", rule)
      text[chain, ++rules[chain]] = rule
      if (rule ~ /dport.* (dnat|redirect)/ && rule !~ /saddr|daddr/) for (j = 1; j <= wanted; j++) if (names(rule, want[j] + 0)) sent[want[j] + 0] = 1
    }
    /^\}/ { verdict() }
  '
}

declare -A closed_by=()
if [ -n "$open_ports" ] && command -v nft >/dev/null; then
  while read -r port how table; do
    if [ "$how" = closed ]; then
      closed_by[$table]+="${closed_by[$table]:+ and }$port"
    elif [ -z "${taken[$port]+set}" ]; then
      taken[$port]=1
      in_the_way "a rule of this host's firewall (table '$table') redirects port $port, which the site needs." "'nft list table $table' on the host shows the rule; remove it where it is made."
    fi
  done < <(closing)
fi
for table in "${!closed_by[@]}"; do
  next="Open them there ('nft list table $table' on the host shows its rules), or remove that firewall: Berth has one of its own."
  if grep -qs '^Status: active' < <(ufw status 2>/dev/null || true); then
    next="'ufw allow 80,443/tcp' on the host opens them; 'ufw disable' leaves it to Berth's own firewall."
  elif systemctl is-active --quiet firewalld.service; then
    next="'firewall-cmd --permanent --add-service=http --add-service=https && firewall-cmd --reload' on the host opens them; 'systemctl disable --now firewalld' leaves it to Berth's own firewall."
  fi
  in_the_way "a firewall of this host (table '$table') closes port ${closed_by[$table]} to visitors." "$next"
done

# Each step is a connection of its own, and ufw refuses whoever opens six in half a minute.
if grep -qE '^[^ ]+( \(v6\))? +LIMIT' < <(ufw status 2>/dev/null || true); then
  in_the_way "ufw refuses an address that connects often ('ufw limit'), and a deployment connects by SSH for each of its steps." "'ufw delete limit ssh && ufw allow ssh' on the host lets it."
fi

# Berth's own Docker opens nothing: see components/docker.
if systemctl is-active --quiet docker.service && [ ! -e /etc/berth/docker.nft ]; then
  warn "Docker runs here. A port that a container publishes is open to everyone, past Berth's firewall: publish ports at 127.0.0.1 if nobody else should reach them. Containers themselves no longer reach ports of this host."
fi
if systemctl is-enabled --quiet nftables.service 2>/dev/null && grep -qE '^[[:space:]]*flush ruleset' /etc/nftables.conf 2>/dev/null; then
  warn "/etc/nftables.conf removes all tables, Berth's firewall too, whenever nftables.service restarts. Run 'systemctl restart berth-firewall' after that."
fi
