: "${to?where the logs go: a name and a port}"

# Debian's own would write all of it a second time, to files.
systemctl disable --now --quiet rsyslog.service syslog.socket 2>/dev/null || true
daemon_reload_if_changed
on_change restart berth-syslog.service /etc/berth/syslog/ /etc/systemd/system/berth-syslog.service
enabled berth-syslog.service

# Whether the server is the right one is told here. One that is away is no fault: what waits for it is kept.
said() { journalctl -q "_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID berth-syslog.service)" -o cat --no-pager; }
answered() {
  [ -n "$(ss -Htn state established "( dport = :${to##*:} )")" ] || grep -qE 'not authorized|ailed|terminated|suspended|cannot connect' < <(said)
}
if changed /etc/berth/syslog/; then
  # It connects when there is something to send.
  logger -t berth "the logs of this host go to $to"
  wait_until 10 answered || true
  # A connection that is refused stands for a moment as well.
  sleep 1
  said=$(said)
  case $said in
  *"error during parsing"*) fail "rsyslog does not understand its configuration: $(grep -m 1 'error during parsing' <<<"$said")" ;;
  *"not authorized"*) fail "berth:syslog.to: the server at $to shows a certificate of another name ($(sed -n 's/.*talk to name: \([^;]*\);.*/\1/p' <<<"$said" | head -n 1))." "Name the server as its certificate does." ;;
  *"self-signed"* | *"self signed"* | *"unable to get"* | *"certificate verify failed"* | *"invalid cert"*)
    fail "berth:syslog.to: the certificate of the server at $to is of no authority that this host trusts." "Give the authority's certificate as berth:syslog.ca."
    ;;
  esac
fi
