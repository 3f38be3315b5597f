"""Writes a pip.conf and a uv.toml with what this computer's pip knows of its package index: its configuration files, then
PIP_* of the environment, as pip itself ranks them."""

import configparser
import json
import os
import pwd
import sys

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

with open(sys.argv[1], "w") as pip:
    print("[global]", file=pip)
    for key, value in settings.items():
        print(f"{key} =", value.replace("\n", "\n    "), file=pip)

# A link cannot lead from the shared cache into a machine's own disk.
lines = ['link-mode = "copy"', "system-certs = true"]
if "proxy" in settings:
    lines += [f"{kind}-proxy = {json.dumps(settings['proxy'])}" for kind in ("http", "https")]
if "trusted-host" in settings:
    lines.append(f"allow-insecure-host = {json.dumps(settings['trusted-host'].split())}")
indexes = [(url, False) for url in settings.get("extra-index-url", "").split()]
indexes += [(url, True) for url in settings.get("index-url", "").split()]
for url, default in indexes:
    lines += ["", "[[index]]", f"url = {json.dumps(url)}", f"default = {json.dumps(default)}"]
with open(sys.argv[2], "w") as uv:
    print("\n".join(lines), file=uv)
