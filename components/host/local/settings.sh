# What of this computer's own settings a machine needs to reach the package archives as well as it does.
# Needs common.sh and archive.sh.
# shellcheck disable=SC2154  # common.sh sets them

# package_settings ROOT: into a machine's file system: apt's, pip's, uv's, npm's settings and a proxy's address.
# They may hold the password of a company's archive; a machine's files are open to root alone on this computer.
package_settings() {
  local root=$1 file name bundle=/etc/ssl/certs/ca-certificates.crt
  apt_settings >"$root/etc/apt/apt.conf.d/30berth-computer"
  for file in /etc/apt/auth.conf /etc/apt/auth.conf.d/*.conf; do
    if [ -f "$file" ]; then install -D -m 0600 "$file" "$root$file"; fi
  done
  mkdir -p "$root/etc/uv" "$root/usr/etc"
  python3 "$here/pip-settings.py" "$root/etc/pip.conf" "$root/etc/uv/uv.toml"
  {
    for file in /usr/etc/npmrc /etc/npmrc "$(caller_home)/.npmrc"; do
      # Where packages come from; not how a person likes npm.
      grep -hE '^(registry|cafile|strict-ssl|https?-?proxy|noproxy|@[^=]+:registry|//[^=]+)[[:space:]]*=' "$file" 2>/dev/null || true
    done
    echo "cache=/var/cache/npm"
  } >"$root/etc/npmrc"
  cp "$root/etc/npmrc" "$root/usr/etc/npmrc"
  {
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
      if [ -n "${!name:-}" ]; then printf '%s="%s"\n' "$name" "${!name}"; fi
    done
    # Programs that bring certificates of their own are told to use the system's.
    if [ -n "$(local_certificates)" ]; then
      for name in SSL_CERT_FILE REQUESTS_CA_BUNDLE NODE_EXTRA_CA_CERTS; do printf '%s=%s\n' "$name" "$bundle"; done
    fi
  } >"$root/etc/environment"
  printf 'Defaults env_keep += "%s"\n' "$(cut -d= -f1 "$root/etc/environment" | paste -sd' ')" >"$root/etc/sudoers.d/10-berth-computer"
  if [ ! -s "$root/etc/environment" ]; then rm "$root/etc/sudoers.d/10-berth-computer"; else chmod 0440 "$root/etc/sudoers.d/10-berth-computer"; fi
}

# caller_home: of the person who called, though sudo stands between.
caller_home() { getent passwd "${SUDO_UID:-$(id -u)}" | cut -d: -f6; }
