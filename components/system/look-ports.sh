: "${settings?the key of the configuration that describes the host}"
: "${ports_decided?yes where the stack says which ports of others stay open}"
: "${open_ports?the TCP ports that everyone must reach}"

# What else this host serves, which Berth's firewall would close without a word: a line each, with protocol, port, the id of
# the process and its program. What asks for an address or for names by itself, and Docker's, which are let in elsewhere, are
# none.
others() {
  { ss -Hltnp | sed 's/^/tcp /'; ss -Hlunp | sed 's/^/udp /'; } | awk -v own=" $open_ports " '
    $5 ~ /^(127\.|\[::1\]|\[::ffff:127\.)|%lo:/ { next }
    {
      port = $5; sub(/.*:/, "", port)
      if ($1 == "udp" && port ~ /^(68|123|546|5353|5355)$/) next
      if ($1 == "tcp" && (index(own, " " port " ") || port == 5355)) next
      process = 0; program = "the kernel"
      if (match($0, /users:\(\("[^"]*",pid=[0-9]+/)) {
        split(substr($0, RSTART + 9, RLENGTH - 9), parts, /",pid=/)
        program = parts[1]; process = parts[2]
      }
      if (program == "sshd" || program == "docker-proxy" || told[$1, port]++) next
      print $1, port, process, program
    }'
}

if [ ! -e "$state/claim" ] && [ -z "$ports_decided" ]; then
  while read -r protocol port process program; do
    unit=$(unit_of "$process" "$port")
    if [ "$unit" = ssh.socket ] || [ -n "${taken[$port]+set}" ]; then continue; fi
    named=$port
    if [ "$protocol" = udp ]; then named=$port/udp; fi
    in_the_way "$program${unit:+ ($unit)} listens on port $port ($protocol), which Berth's firewall would close." "Write 'openPorts: [$named]' below '$settings' to keep it open to everyone, with all other such ports in the same list. Ports that it does not name are closed; 'openPorts: []' closes them all."
  done < <(others)
fi
