# What the other server holds is moved to this one. Both have it in the same form, an append-only file of commands alone.
# Whichever has that directory has the data: the other's goes before this one starts, and comes back where it fails.
: "${title?as people know it}"
: "${other?the other server: its account}"
: "${other_title?as people know that one}"

unit=$server-server.service
theirs=/var/lib/$other/appendonlydir
ours=/var/lib/$server/appendonlydir
arriving=/var/lib/$server/.berth-arriving
left=/var/lib/$other/.berth-moved

as_server() { runuser -u "$server" -- "$@"; }
as_other() { runuser -u "$other" -- "$@"; }
is_moved() { [ -d "$left" ]; }
# By their digests, without the directory's name.
files_in() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 -r sha256sum); }
export -f files_in

# ended UNIT…: they run no longer, at the next boot neither. On a new machine the other one may not be installed.
ended() {
  local one
  for one in "$@"; do
    ! is_installed "$one" || logged systemctl disable --now --quiet "$one" || return
  done
}
is_installed() { systemctl cat "$1" >/dev/null 2>&1; }

# move_from_other: before this one starts.
move_from_other() {
  [ -d "$theirs" ] || is_moved || return 0
  getent passwd "$other" >/dev/null || fail "$theirs holds data, and this host has no account '$other'." "Deploy with 'redis.server: $other', and change it after that."
  if [ -d "$theirs" ]; then
    tidy_other
    ! compgen -G "$theirs/*.base.rdb" >/dev/null ||
      fail "$theirs begins with an RDB file, which $title may not read." "Deploy with 'redis.server: $other' once: that writes it in the form that both read. What runs is as it was."
    say "moving the data of $other_title to $title"
    # What Debian's package has started holds nothing, and would take the port.
    ended "$unit" || fail "$title does not stop." "Its log: journalctl -u $unit"
    ended "$other-server.service" "$other-server@cache.service" || fail "$other_title does not stop." "Its log: journalctl -u $other-server"
    as_server rm -rf -- "$arriving" "$ours"
    as_server mkdir -m 0750 -- "$arriving"
    as_other tar --create --directory "$theirs" . | as_server tar --extract --no-same-owner --directory "$arriving" 2>>"$log" ||
      { refuse_full_disk && give_back "$title did not get the files of $other_title: see $log on the host."; }
    [ "$(as_other bash -c 'files_in "$1"' files "$theirs")" = "$(as_server bash -c 'files_in "$1"' files "$arriving")" ] ||
      give_back "the files of $other_title did not arrive whole."
    as_server mv -T -- "$arriving" "$ours"
    as_other rm -rf -- "$left"
    as_other mv -T -- "$theirs" "$left"
  fi
}

# tidy_other: has the other one, where it runs, write what it holds anew: without what it went through, in which commands may
# be that this one does not know.
tidy_other() {
  systemctl is-active --quiet "$other-server.service" || return 0
  [ "$(ask_other CONFIG SET aof-use-rdb-preamble no)$(ask_other BGREWRITEAOF)" != "" ] || return 0
  wait_until 600 is_tidy || say "$other_title does not come to an end of writing its data anew"
}
ask_other() {
  printf 'AUTH berth %s\n%s\n' "$(cat "/etc/berth/$other/own-password")" "$*" | timeout 20 "$other-cli" -h 127.0.0.1 2>>"$log" | tail -n +2 || true
}
is_tidy() { grep -qF 'aof_rewrite_in_progress:0' < <(ask_other INFO persistence) && ! grep -qF 'aof_rewrite_scheduled:1' < <(ask_other INFO persistence); }

# give_back WHY: the other one serves again, with what it had.
give_back() {
  local next="Set 'redis.server: $other' and deploy: what $other_title held is where it was."
  ended "$unit" || true
  as_server rm -rf -- "$arriving" "$ours"
  if is_moved; then as_other mv -T -- "$left" "$theirs"; fi
  if is_installed "$other-server.service" && logged systemctl enable --quiet --now "$other-server.service" "$other-server@cache.service"; then
    next="$other_title serves again, with all that it had. Set 'redis.server: $other'."
  fi
  fail "$1" "$next"
}

# end_of_move: this one has read it all. Of the other's settings nothing stays.
end_of_move() {
  if is_moved; then as_other rm -rf -- "$left"; fi
  if [ -e "/etc/berth/$other" ]; then
    ended "$other-server.service" "$other-server@cache.service" || fail "$other_title does not stop." "Its log: journalctl -u $other-server"
    take_away "/etc/berth/$other"
  fi
}
