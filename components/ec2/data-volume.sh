: "${volume?the id of the volume, vol-…}"
: "${device?the name that its attachment asked for}"
: "${size?its size, in GiB}"
: "${directories?the directories that live on it, a line each}"
: "${services?the units that keep data on it, separated by spaces}"

data=/var/lib/berth/data
settings=/etc/berth/data-volume
boot=/usr/local/sbin/berth-data

# find_disk: AWS gives the volume's id as the disk's serial number, whatever the disk is called; older instance types
# have no serial numbers, but the name (https://docs.aws.amazon.com/ebs/latest/userguide/nvme-ebs-volumes.html).
find_disk() {
  local serial=${volume/-/} file name letter=${device##*/sd}
  for file in /sys/block/*/device/serial /sys/block/*/serial; do
    if [ "$(tr -d ' ' <"$file" 2>/dev/null)" = "$serial" ]; then
      file=${file#/sys/block/}
      name=/dev/${file%%/*}
      if [ -b "$name" ]; then disk=$name; return 0; fi
    fi
  done
  for name in "/dev/xvd$letter" "$device"; do
    if [ -b "$name" ]; then disk=$name; return 0; fi
  done
  return 1
}

bytes() { blockdev --getsize64 "$disk"; }
is_large_enough() { [ "$(bytes)" -ge $((size * 1073741824)) ]; }

wait_until 120 find_disk || fail "the data volume $volume does not appear on this machine." "See in AWS whether it is attached to this instance, then run 'pulumi up' again."
wait_until 120 is_large_enough || fail "the data volume $volume has $(($(bytes) / 1073741824)) GiB on this machine, and $size were expected." "Run 'pulumi up' again; if it stays so, restart the instance."

# What blkid finds is never overwritten; status 2 means that there is nothing (blkid(8)).
status=0
found=$(blkid --probe --output export "$disk" 2>>"$log") || status=$?
case $status in
0)
  type=$(sed -n 's/^TYPE=//p' <<<"$found")
  [ "$type" = ext4 ] || fail "the data volume $volume holds '${type:-a partition table}', and a file system ext4 on the whole disk was expected." "Nothing was changed on it. Look at it with 'blkid --probe $disk' on the host."
  ;;
2)
  [ "$(head -c 1048576 "$disk" | tr -d '\0' | wc -c)" = 0 ] || fail "the data volume $volume has no file system, but it is not blank." "Nothing was changed on it. If nothing on it is needed: 'wipefs -a $disk && dd if=/dev/zero of=$disk bs=1M count=1' on the host."
  say "formatting the blank data volume"
  logged mkfs.ext4 -q -m 1 -L berth-data "$disk" || fail "the data volume $volume cannot be formatted."
  found=$(blkid --probe --output export "$disk")
  ;;
*) fail "Berth cannot tell what the data volume $volume holds ($found)." "Nothing was changed on it. Look at it with 'wipefs $disk' on the host." ;;
esac
sed -n 's/^UUID=//p' <<<"$found" | put_file "$settings/uuid" root:root 0644


logged "$boot" volume || fail "the data volume cannot be mounted."
chmod 0700 "$data"

stopped=$settings/stopped
# stop_services: those that run, and notes which; they are started again when all is in its place.
stop_services() {
  local unit
  # Without a name it would be every unit there is.
  [ -n "$services" ] || return 0
  # shellcheck disable=SC2086  # names of units
  for unit in $(systemctl list-units --plain --no-legend --state=active,activating ${services//@./@*.} | awk '{ print $1 }'); do
    printf '%s\n' "$unit" >>"$stopped"
    logged systemctl stop "$unit"
  done
}

# grow_unmounted: for a kernel that lets no mounted file system grow, as in a container without CAP_SYS_RESOURCE.
grow_unmounted() {
  local directory
  say "the data volume has to be unmounted for a moment, to grow"
  stop_services
  while read -r directory; do
    if mountpoint -q "$directory"; then logged umount "$directory" || return; fi
  done < <(tac "$settings/directories" 2>/dev/null)
  logged umount "$data" || return
  logged e2fsck -f -p "$disk" || [ $? = 1 ] || return
  logged resize2fs "$disk" || return
}
if ! resize2fs "$disk" >>"$log" 2>&1; then
  grow_unmounted || fail "the file system of the data volume cannot be made larger." "What was said of it is in $log on the host; what was stopped starts when 'pulumi up' succeeds, or with the machine."
  logged "$boot" volume
fi

# Only the numbers of accounts stand on a disk. A new machine makes the accounts that own something there before any
# package does, with the numbers that they had; where one is taken here, their files get another.
owners() { find "$data/directories" -printf "$1\n" | sort -un; }
noted() { awk -F: -v number="$2" '$3 == number' "$data/accounts/$1" | head -n 1; }
number_of() { getent "$1" "$2" | cut -d: -f3; }

# free_number: one that no account has, here or on the machine of before.
free_number() {
  local number
  for number in $(seq 400 899); do
    if ! getent passwd "$number" >/dev/null && ! getent group "$number" >/dev/null &&
      [ -z "$(noted passwd "$number")$(noted group "$number")" ]; then
      echo "$number"
      return
    fi
  done
}

# renumber TABLE NAME OLD: moves what belongs to the old number to the one that the name has here.
renumber() {
  local now
  now=$(number_of "$1" "$2")
  if [ "$now" = "$3" ]; then return; fi
  [ -z "$(noted "$1" "$now")" ] || fail "on this machine '$2' has the number $now, which belongs to '$(noted "$1" "$now" | cut -d: -f1)' on the data volume." "Replace the machine, or give '$2' the number $3 there by hand."
  say "$2 had the number $3 on the previous machine and has $now here; its files get the new number"
  if [ "$1" = group ]; then
    find "$data/directories" -gid "$3" -exec chgrp -h "$now" {} +
  else
    find "$data/directories" -uid "$3" -exec chown -h "$now" {} +
  fi
}

make_group() {
  local entry name number
  entry=$(noted group "$1") name=${entry%%:*} number=$1
  [ -n "$name" ] || return 0
  if [ -z "$(number_of group "$name")" ]; then
    if getent group "$number" >/dev/null; then number=$(free_number); fi
    logged groupadd --gid "$number" "$name"
  fi
  renumber group "$name" "$1"
}

make_account() {
  local entry name number group comment home shell
  entry=$(noted passwd "$1") name=${entry%%:*} number=$1
  [ -n "$name" ] || return 0
  IFS=: read -r _ _ _ group comment home shell <<<"$entry"
  make_group "$group"
  if [ -z "$(number_of passwd "$name")" ]; then
    if getent passwd "$number" >/dev/null; then number=$(free_number); fi
    if [ "$1" -ge 1000 ]; then set -- "$1" --create-home; else set -- "$1" --no-create-home; fi
    # The number is what it was, within the system's or not.
    logged useradd --comment "$comment" --uid "$number" --gid "$(noted group "$group" | cut -d: -f1)" --home-dir "$home" --shell "$shell" "$2" "$name"
  fi
  renumber passwd "$name" "$1"
}

if [ -e "$data/accounts/passwd" ] && [ ! -e "$settings/accounts-made" ]; then
  # Numbers below 100 are the same on every Debian (Debian Policy, 9.2.2).
  for number in $(owners '%G'); do if [ "$number" -ge 100 ]; then make_group "$number"; fi; done
  for number in $(owners '%U'); do if [ "$number" -ge 100 ]; then make_account "$number"; fi; done
fi
: >"$settings/accounts-made"

# set_aside DIRECTORY: what the root disk has in its place stays there, under another name.
set_aside() {
  local name=$1.before-data-volume
  if [ ! -e "$name" ]; then mv "$1" "$name"; else mv "$1" "$name-$(date +%s)"; fi
}

# move_in DIRECTORY: makes its place on the volume, with what it holds on the root disk so far.
move_in() {
  local place=$data/directories$1
  if mountpoint -q "$1"; then return; fi
  if [ ! -d "$place" ]; then
    mkdir -p "$(dirname "$place")"
    rm -rf "$place.new"
    if [ -d "$1" ]; then
      if [ -n "$(ls -A "$1")" ]; then
        say "copying $1 to the data volume"
        stop_services
      fi
      logged cp -a "$1" "$place.new" || fail "$1 cannot be copied to the data volume."
      sync -f "$place.new"
    else
      mkdir "$place.new"
    fi
    mv "$place.new" "$place"
  fi
  if [ -d "$1" ] && [ -n "$(ls -A "$1")" ]; then
    stop_services
    set_aside "$1"
  fi
}

mkdir -p "$data/directories"
each_directory() { if [ -n "$directories" ]; then printf '%s\n' "$directories"; fi; }
while read -r directory; do move_in "$directory"; done < <(each_directory)
# From here on a boot wants them all.
each_directory | put_file "$settings/directories" root:root 0644
logged "$boot" mount || fail "the directories of the data volume cannot be mounted."

daemon_reload_if_changed
enabled berth-data.service
# Now that their data is where it was. Also those that a run of before stopped, and did not come to start again.
if [ -e "$stopped" ]; then
  while read -r unit; do logged systemctl start "$unit" || fail "$unit does not start again." "Its log: journalctl -u $unit"; done < <(sort -u "$stopped")
  rm -f "$stopped"
fi
enabled berth-data-accounts.path
logged "$boot" accounts

held=$(findmnt -nro MAJ:MIN --target "$data")
while read -r directory; do
  [ "$(findmnt -nro MAJ:MIN --mountpoint "$directory" | tail -n 1)" = "$held" ] || fail "$directory is not on the data volume."
done <"$settings/directories"
blocks=$(($(stat -fc '%b * %S' "$data")))
# ext4 keeps some of a disk for itself.
[ "$blocks" -ge $((size * 90 * 10737418)) ] || fail "the file system of the data volume has $((blocks / 1048576)) MiB, and its disk $size GiB."
