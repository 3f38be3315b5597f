: "${quiet?the packages whose own units must never run, a line each for the key of the configuration that asks for them}"

# shipped: the units that these packages have brought, each with its package and that key.
shipped() {
  local key packages package
  while read -r key packages; do
    for package in $packages; do
      dpkg -L "$package" 2>/dev/null | sed -nE 's#^(/usr)?/lib/systemd/system/([^/@]+\.(service|socket|timer|path))$#\2#p; s#^/etc/init\.d/([^/]+)$#\1.service#p' | sort -u | sed "s/$/ $package $key/"
    done
  done <<<"$quiet"
}

# What a package starts as it is installed is asked here (deb-systemd-invoke(1)). A host may have its own answer.
if [ ! -e /usr/sbin/policy-rc.d ] || grep -q '^# Berth: ' /usr/sbin/policy-rc.d; then
  put_file /usr/sbin/policy-rc.d root:root 0755 <<POLICY
#!/bin/sh
# Berth: while it installs packages, those of services of one's own start nothing.
for package in $(cut -d' ' -f2- <<<"$quiet" | paste -sd' '); do
  if dpkg -L "\$package" 2>/dev/null | grep -qE "/(systemd/system|init\.d)/\${1%.service}(\.service)?\\$"; then exit 101; fi
done
exit 0
POLICY
fi
