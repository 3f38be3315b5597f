"""Prints a pip.conf with what this computer's pip knows of its package index: its configuration files, then PIP_*
of the environment, as pip itself ranks them."""

import configparser
import os
import pwd

KEYS = ("index-url", "extra-index-url", "trusted-host", "cert", "proxy", "timeout", "default-timeout", "retries")

home = pwd.getpwuid(int(os.environ.get("SUDO_UID", os.getuid()))).pw_dir
files = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf", f"{home}/.pip/pip.conf", f"{home}/.config/pip/pip.conf"]
files.append(os.environ.get("PIP_CONFIG_FILE", ""))
read = configparser.RawConfigParser()
read.read([name for name in files if name])

settings = {}
for key in KEYS:
    value = os.environ.get("PIP_" + key.upper().replace("-", "_")) or read.get("global", key, fallback=None)
    if key == "cert" and value:
        # The computer's own authorities are in the machine's system store.
        value = "/etc/ssl/certs/ca-certificates.crt"
    if value:
        settings[key] = value
settings["cache-dir"] = "/var/cache/pip"
settings["disable-pip-version-check"] = "true"

print("[global]")
for key, value in settings.items():
    print(f"{key} =", value.replace("\n", "\n    "))
