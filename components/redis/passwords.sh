: "${grace?for how long what was live before may still be at work, in seconds}"

# A start takes the new password alone; servers that run forget those of before when what was live before has finished.
put_users
if users_changed; then
  say "the previous password stays valid for $grace s, for requests and tasks that began with it"
  logged systemd-run --quiet --collect --on-active="$grace" --timer-property=AccuracySec=1s /usr/local/lib/berth/redis-passwords
fi
