: "${lineage?the name by which certbot keeps the certificate}"
: "${names?the names that it is for, separated by spaces}"
: "${terms?the rest of what is ordered}"

program=/usr/local/lib/berth/certificate
settings=/etc/letsencrypt/renewal/$lineage.conf
keeps "$settings"
put_directory /var/lib/berth-acme root:root 0755
daemon_reload_if_changed
# certbot renews by Debian's own timer; this one is for as long as there is nothing to renew.
enabled certbot.timer
on_change restart berth-certificate.timer /etc/systemd/system/berth-certificate.timer
enabled berth-certificate.timer

status=0
said=$(python3 -IB "$program" order 2>>"$log" 9>&-) || status=$?
printf '%s\n' "$said" >>"$log"
case $status in
0) [ -e "$settings" ] || fail "certbot does not renew $lineage: /etc/letsencrypt/renewal has nothing of that name."
  case $said in *WARNING:*) say "WARNING: ${said##*WARNING: }" ;; esac ;;
4) say "WARNING: the site has a self-signed or older certificate, because none could be ordered for $names ($terms): $said The host tries again by itself; 'npm run status' says when it has worked." ;;
5) fail "$said" ;;
*) fail "no certificate could be ordered: ${said:-see $log on the host.}" ;;
esac

# That of another name of the application: certbot would renew it for ever. The keys stay, as order-removal.sh leaves them.
while read -r before; do
  case $before in /etc/letsencrypt/renewal/*) [ ! -e "$before" ] || mv -f "$before" "$before.parked" ;; esac
done < <(former)
