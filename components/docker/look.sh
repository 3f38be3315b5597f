# Another's Docker is not taken over: what it runs would be cut off from those who use it.
if [ ! -e /etc/berth/docker.nft ]; then
  theirs=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' docker-ce moby-engine podman-docker 2>/dev/null | awk '$1 == "ii" { print $2; exit }' || true)
  running=$(timeout 10 docker ps -q 2>/dev/null | wc -l || true)
  if [ -n "$theirs" ]; then
    in_the_way "the package $theirs is installed, and Berth uses Debian's docker.io (docker.enabled), which cannot be beside it." "'apt-get remove $theirs' on the host makes way; what is in /var/lib/docker stays."
  elif [ "$running" != 0 ]; then
    in_the_way "Docker runs containers on this host already ($running), and with docker.enabled nobody but the host itself reaches the ports that they publish." "Take docker.enabled out, or end them: 'docker ps' on the host shows them."
  elif [ -s /etc/docker/daemon.json ]; then
    in_the_way "this host has settings of Docker of its own, and Berth would write over them (docker.enabled)." "'mv /etc/docker/daemon.json /root/' on the host makes way."
  fi
fi
