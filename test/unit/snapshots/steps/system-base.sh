set -eu; umask 077
step=$(mktemp /dev/shm/berth-system-base.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='system-base'
settings='berth:host'
fqdn='shop.example.org'
timezone='Europe/Berlin'
locale='en_US.UTF-8'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: system-base: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

put_file '/etc/cloud/cloud.cfg.d/90-berth.cfg' 'root:root' '0644' <<'BERTH_FILE_END'
preserve_hostname: true
manage_etc_hosts: false
BERTH_FILE_END
put_file '/etc/apt/apt.conf.d/52berth' 'root:root' '0644' <<'BERTH_FILE_END'
// Berth: security upgrades every night at 02:00 (see apt-daily-upgrade.timer), at no other time; never a reboot.
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Remove-Unused-Kernel-Packages "true";
Unattended-Upgrade::MinimalSteps "true";
BERTH_FILE_END
put_file '/etc/systemd/system/apt-daily-upgrade.timer.d/berth.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: upgrades restart services, the database among them; so at night only, and not after a boot at noon.
[Timer]
OnCalendar=
OnCalendar=*-*-* 02:00
RandomizedDelaySec=30m
Persistent=false
BERTH_FILE_END
put_file '/etc/systemd/journald.conf.d/berth.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: the journal stays on disk and within bounds.
[Journal]
Storage=persistent
SystemMaxUse=500M
SystemKeepFree=1G
MaxRetentionSec=3month
BERTH_FILE_END
put_file '/etc/logrotate.d/berth' 'root:root' '0644' <<'BERTH_FILE_END'
/var/log/berth/*.log {
    su root root
    weekly
    rotate 8
    maxsize 5M
    missingok
    notifempty
    compress
    delaycompress
}
BERTH_FILE_END
: "${fqdn?the fully qualified name of the host}"
: "${settings?the key of the configuration that describes the host}"
: "${timezone?a name of the tz database}"
: "${locale?the locale, with its encoding}"

short=${fqdn%%.*}
if [ "$(hostname)" != "$short" ]; then logged hostnamectl set-hostname "$short"; fi
hosts=$(grep -vE '^127\.0\.1\.1[[:space:]]' /etc/hosts || true)
printf '127.0.1.1\t%s %s\n%s\n' "$fqdn" "$short" "$hosts" | put_file /etc/hosts root:root 0644

[ -e "/usr/share/zoneinfo/$timezone" ] || fail "there is no time zone '$timezone' ($settings.timezone)." "'timedatectl list-timezones' on the host lists them."
put_link /etc/localtime "/usr/share/zoneinfo/$timezone"
if [ -e /etc/timezone ]; then printf '%s\n' "$timezone" | put_file /etc/timezone root:root 0644; fi

canonical=${locale/UTF-8/utf8}
if ! grep -qx "$canonical" < <(locale -a); then
  say "making the locale $locale"
  grep -q "^$locale UTF-8" /usr/share/i18n/SUPPORTED || fail "there is no locale '$locale' ($settings.locale)." "/usr/share/i18n/SUPPORTED on the host lists them."
  logged localedef -i "${locale%%.*}" -f UTF-8 "$locale"
fi
grep -qxF "$locale UTF-8" /etc/locale.gen 2>/dev/null || printf '%s UTF-8\n' "$locale" >>/etc/locale.gen
printf 'LANG=%s\n' "$locale" | put_file /etc/default/locale root:root 0644

daemon_reload_if_changed
on_change restart systemd-journald.service /etc/systemd/journald.conf.d/
on_change restart apt-daily-upgrade.timer /etc/systemd/system/apt-daily-upgrade.timer.d/
enabled apt-daily.timer apt-daily-upgrade.timer logrotate.timer

[ "$(hostname -f)" = "$fqdn" ] || fail "'hostname -f' says '$(hostname -f)' and not '$fqdn'." "Look at /etc/hosts and /etc/nsswitch.conf on the host."
grep -qx "$canonical" < <(locale -a) || fail "the locale $locale could not be made."
grep -q '"false"' < <(apt-config dump Unattended-Upgrade::Automatic-Reboot) || fail "apt does not read /etc/apt/apt.conf.d/52berth."
logrotate --debug /etc/logrotate.d/berth >>"$log" 2>&1 || fail "logrotate refuses /etc/logrotate.d/berth." "'logrotate --debug /etc/logrotate.d/berth' on the host says why."

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
