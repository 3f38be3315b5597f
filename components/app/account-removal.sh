: "${root?the directory of the application}"
# Media, logs and releases are data and stay; the accounts own them and stay, too.
rm -f "$root/sockets"
