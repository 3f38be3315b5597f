: "${fqdn?the fully qualified name of the host}"
: "${settings?the key of the configuration that describes the host}"
: "${timezone?a name of the tz database; empty where it stays as it is}"
: "${locale?the locale, with its encoding}"

short=${fqdn%%.*}
if [ "$(hostname)" != "$short" ]; then logged hostnamectl set-hostname "$short"; fi
hosts=$(grep -vE '^127\.0\.1\.1[[:space:]]' /etc/hosts || true)
# What else runs here may go on asking by a name of before.
names=$(awk -v own=" $fqdn $short " '$1 == "127.0.1.1" { sub(/#.*/, ""); for (i = 2; i <= NF; i++) if (!index(own, " " $i " ") && !told[$i]++) printf " %s", $i }' /etc/hosts)
printf '127.0.1.1\t%s %s%s\n%s\n' "$fqdn" "$short" "$names" "$hosts" | put_file /etc/hosts root:root 0644
# What others write into it stays.
disregard /etc/hosts

if [ -n "$timezone" ]; then
  [ -e "/usr/share/zoneinfo/$timezone" ] || fail "there is no time zone '$timezone' ($settings.timezone)." "'timedatectl list-timezones' on the host lists them."
  put_link /etc/localtime "/usr/share/zoneinfo/$timezone"
  if [ -e /etc/timezone ]; then printf '%s\n' "$timezone" | put_file /etc/timezone root:root 0644; fi
fi

canonical=${locale/UTF-8/utf8}
if ! grep -qx "$canonical" < <(locale -a); then
  say "making the locale $locale"
  grep -q "^$locale UTF-8" /usr/share/i18n/SUPPORTED || fail "there is no locale '$locale' ($settings.locale)." "/usr/share/i18n/SUPPORTED on the host lists them."
  logged localedef -i "${locale%%.*}" -f UTF-8 "$locale"
fi
grep -qxF "$locale UTF-8" /etc/locale.gen 2>/dev/null || printf '%s UTF-8\n' "$locale" >>/etc/locale.gen
# Where Debian had it before, every boot puts a link (tmpfiles.d(5)).
printf 'LANG=%s\n' "$locale" | put_file /etc/locale.conf root:root 0644
put_link /etc/default/locale ../locale.conf

daemon_reload_if_changed
on_change restart systemd-journald.service /etc/systemd/journald.conf.d/
on_change restart apt-daily-upgrade.timer /etc/systemd/system/apt-daily-upgrade.timer.d/
on_change restart logrotate.timer /etc/systemd/system/logrotate.timer.d/
enabled apt-daily.timer apt-daily-upgrade.timer logrotate.timer

[ "$(hostname -f)" = "$fqdn" ] || fail "'hostname -f' says '$(hostname -f)' and not '$fqdn'." "Look at /etc/hosts and /etc/nsswitch.conf on the host."
grep -qx "$canonical" < <(locale -a) || fail "the locale $locale could not be made."
grep -q '"false"' < <(apt-config dump Unattended-Upgrade::Automatic-Reboot) || fail "apt does not read /etc/apt/apt.conf.d/52berth."
logrotate --debug /etc/berth/logrotate.conf >>"$log" 2>&1 || fail "logrotate refuses /etc/berth/logrotate.conf." "'logrotate --debug /etc/berth/logrotate.conf' on the host says why."
