: "${users?who root in a container is: host, or remapped}"

daemon_reload_if_changed
if changed /etc/berth/docker.nft; then logged nft -f /etc/berth/docker.nft; fi
# root_in_containers: who that is, of the daemon that runs.
root_in_containers() {
  if grep -q name=userns < <(timeout 30 docker info --format '{{ .SecurityOptions }}' 2>>"$log"); then echo remapped; else echo host; fi
}
# Containers go on while the daemon starts again. Of another root it knows nothing, and nobody could end them.
if changed /etc/docker/daemon.json && systemctl is-active --quiet docker.service && [ "$(root_in_containers)" != "$users" ]; then
  running=$(timeout 30 docker ps -q 2>>"$log" || true)
  # shellcheck disable=SC2086 # Their ids, one word each.
  if [ -n "$running" ]; then logged timeout 300 docker stop $running; fi
fi
on_change restart docker.service /etc/docker/daemon.json /etc/systemd/system/docker.service.d/
enabled docker.socket docker.service
on_change restart berth-docker-space.timer /etc/systemd/system/berth-docker-space
enabled berth-docker-space.timer

# The proof: it answers, with these settings, by its socket alone; and a container runs in a network.
answers() { [ "$(timeout 10 docker info --format '{{ .LoggingDriver }}' 2>>"$log")" = local ]; }
wait_until 60 answers || fail "Docker does not answer with the settings of /etc/docker/daemon.json." "Its log: $(journalctl -u docker -n 3 -o cat --no-pager | tr '\n' ' ')"
found=$(root_in_containers)
[ "$found" = "$users" ] || fail "in Docker's containers root is '$found', and '$users' is wanted (docker.users)." "'systemctl restart docker' on the host, then run 'pulumi up' again."
socket=$(stat -c '%U:%G %a' /run/docker.sock)
[ "$socket" = "root:docker 660" ] || fail "Docker's socket, /run/docker.sock, has owner and mode '$socket', and 'root:docker 660' is wanted."
members=$(getent group docker | cut -d: -f4)
[ -z "$members" ] || say "these accounts are in the group docker, which is as much as being root: $members. 'gpasswd -d ACCOUNT docker' on the host takes one out."
listening=$(ss -Hltnp | awk '/"dockerd"/ { print $4 }' | paste -sd' ')
[ -z "$listening" ] || fail "Docker listens on $listening; it must be reached by its socket alone." "Take 'hosts' and '-H' out of its settings and units on the host."
nft list table inet berth_docker >>"$log" 2>&1 || fail "the rules that close Docker's ports are not loaded." "'nft -f /etc/berth/docker.nft' on the host says why."

tar -C /usr -c bin/busybox | docker import - berth-proof >>"$log" 2>&1 || fail "Docker cannot store an image." "Its log: $(journalctl -u docker -n 3 -o cat --no-pager | tr '\n' ' ')"
ran=0
timeout 60 docker run --rm berth-proof /bin/busybox true >>"$log" 2>&1 || ran=$?
docker rmi berth-proof >>"$log" 2>&1 || true
[ "$ran" = 0 ] || fail "Docker cannot run a container: $(tail -n 2 "$log" | tr '\n' ' ')"
