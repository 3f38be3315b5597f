: "${packages?the Debian packages, separated by spaces}"

# shellcheck disable=SC2086  # Names of packages hold no spaces.
install_packages $packages
# shellcheck disable=SC2086
still=$(missing_packages $packages | tr '\n' ' ')
[ -z "$still" ] || fail "these packages are still not installed: $still"
