: "${users?who root in a container is, for each has images of its own}"
: "${registries?the registries that ask who comes, each with the name of an account, a line each}"

# What is there already is what is asked for: it has that digest.
missing=()
while read -r name image; do
  timeout 30 docker image inspect "$image" >/dev/null 2>&1 || missing+=("$name $image")
done </etc/berth/docker/images

# Logins are kept nowhere.
export DOCKER_CONFIG
DOCKER_CONFIG=$(mktemp -d /run/berth-docker-XXXXXX)
trap 'rm -rf "$DOCKER_CONFIG"' EXIT
last_words() { tail -n "+$((before + 1))" "$log" | grep -v '^WARNING' | tail -n 2 | tr '\n' ' ' || true; }
if [ "${#missing[@]}" != 0 ] && [ -n "$registries" ]; then
  while read -r at username; do
    before=$(wc -l <"$log")
    secret "$at" | timeout 120 docker login --username "$username" --password-stdin "$at" >>"$log" 2>&1 ||
      fail "the registry $at does not let '$username' in (docker.registries.$at): $(last_words)"
  done <<<"$registries"
fi
for one in "${missing[@]}"; do
  read -r name image <<<"$one"
  say "fetching the image $name"
  before=$(wc -l <"$log")
  if ! timeout 1800 docker pull --quiet "$image" >>"$log" 2>&1 </dev/null; then
    refuse_full_disk
    fail "the image $image cannot be fetched (docker.images.$name): $(last_words)" "A registry that asks who comes belongs into docker.registries."
  fi
done

# One that has only a digest counts as left over, and 'docker system prune' would take it away.
while read -r name image; do
  logged docker tag "$image" "berth-$name"
  note image "$image"
done </etc/berth/docker/images
