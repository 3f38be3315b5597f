# Containers, images and volumes stay in /var/lib/docker. What runs is ended: without the daemon nobody could.
running=$(timeout 30 docker ps -q 2>/dev/null || true)
# shellcheck disable=SC2086 # Their ids, one word each.
if [ -n "$running" ]; then timeout 120 docker stop $running >>"$log" 2>&1 || true; fi
systemctl disable --now --quiet berth-docker-space.timer docker.socket docker.service 2>/dev/null || true
systemctl daemon-reload
nft delete table inet berth_docker 2>/dev/null || true
