: "${to?where the logs go: a name and a port}"
: "${authorities?the file of the authorities that its certificate may be of}"

# Whether the server is the right one is told before anything is sent: rsyslog's own start is a line of the log already.
# One that is away is no fault: what waits for it is kept.
if changed /etc/berth/syslog/; then
  shown=$(timeout 15 openssl s_client -connect "$to" -servername "${to%:*}" -verify_hostname "${to%:*}" \
    -CAfile "$authorities" </dev/null 2>/dev/null) || true
  verdict=$(sed -n 's/^ *Verify return code: //p' <<<"$shown" | head -n 1)
  case $verdict in
  "" | "0 "*)
    if grep -q '^CONNECTED' <<<"$shown" && ! grep -q 'BEGIN CERTIFICATE' <<<"$shown"; then
      fail "syslog.to: the server at $to does not speak TLS." "Name the port at which it takes syslog by TLS, usually 6514."
    fi
    ;;
  *ostname*)
    names=$(openssl x509 -noout -ext subjectAltName <<<"$shown" 2>/dev/null | sed -n 's/^ *DNS:/DNS:/p') || true
    fail "syslog.to: the server at $to shows a certificate of another name (${names:-it has none})." "Name the server as its certificate does."
    ;;
  *expired* | *"not yet valid"*)
    fail "syslog.to: the certificate of the server at $to is not valid now (${verdict#* })." "Renew it there."
    ;;
  *)
    fail "syslog.to: the certificate of the server at $to is of no authority that this host trusts ${verdict#* }." "Give the authority's certificate as syslog.ca."
    ;;
  esac
fi

# Debian's own would write all of it a second time, to files.
systemctl disable --now --quiet rsyslog.service syslog.socket 2>/dev/null || true
daemon_reload_if_changed
on_change restart berth-syslog.service /etc/berth/syslog/ /etc/systemd/system/berth-syslog.service
enabled berth-syslog.service

said() { journalctl -q "_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID berth-syslog.service)" -o cat --no-pager; }
answered() {
  [ -n "$(ss -Htn state established "( dport = :${to##*:} )")" ] || grep -qE 'not authorized|ailed|terminated|suspended|cannot connect' < <(said)
}
if changed /etc/berth/syslog/; then
  # It connects when there is something to send.
  logger -t berth "the logs of this host go to $to"
  wait_until 10 answered || true
  said=$(said)
  case $said in
  *"error during parsing"*) fail "rsyslog does not understand its configuration: $(grep -m 1 'error during parsing' <<<"$said")" ;;
  *"not permitted to talk"*) fail "syslog.to: rsyslog refuses the server at $to: $(grep -m 1 'not permitted to talk' <<<"$said")" ;;
  esac
fi
