: "${lineage?the name by which certbot keeps the certificate}"
# Their files are gone already, and 'disable' knows no unit without one.
systemctl stop berth-certificate.timer berth-certificate.service 2>/dev/null || true
rm -f /etc/systemd/system/timers.target.wants/berth-certificate.timer
systemctl daemon-reload
systemctl reset-failed berth-certificate.timer berth-certificate.service 2>/dev/null || true
# The account and the keys stay: a stack that asks for the certificate again orders nothing. Until then it is not renewed.
settings=/etc/letsencrypt/renewal/$lineage.conf
if [ -e "$settings" ]; then mv -f "$settings" "$settings.parked"; fi
rm -rf /var/lib/berth-acme /run/berth-acme-ca.pem
