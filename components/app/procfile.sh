: "${processes?a line for each process: its name, kind, count, 'alone' or 'beside', 'restart' or 'keep', account, where its command is from}"
: "${kinds?a line for each kind of process: its name, and the pattern of its commands}"

# procfile_names: of which processes the release's Procfile has a line.
procfile_names() { sed -nE 's/^([A-Za-z0-9_-]+):[[:space:]]*[^[:space:]].*/\1/p' "$facts/$release/Procfile" 2>/dev/null || true; }

# procfile_line NAME: its command there.
procfile_line() { sed -nE "s/^$1:[[:space:]]*([^[:space:]].*)/\1/p" "$facts/$release/Procfile" 2>/dev/null | tail -n 1 | sed 's/[[:space:]]*$//' || true; }

# kind_of COMMAND: as the program tells it.
kind_of() {
  local kind pattern
  while read -r kind pattern; do
    if [[ $1 =~ $pattern ]]; then
      printf '%s\n' "$kind"
      return 0
    fi
  done <<<"$kinds"
  printf 'command\n'
}

# unfit PROCESS KIND: why the Procfile's line cannot be run as this process; nothing when it can.
unfit() {
  local command told with_beat=' (-B|-EB|-BE|--beat)( |$)'
  command=$(procfile_line "$1")
  told=$(kind_of "$command")
  if [ -z "$command" ]; then
    printf "its Procfile has no line '%s', and the stack no command for it" "$1"
  elif [ "$told" != command ] && [ "$told" != "$2" ]; then
    printf "its Procfile's '%s' is of the kind %s, and the stack has it as %s" "$1" "$told" "$2"
  elif [ "$told" = celery ] && [[ $command =~ $with_beat ]]; then
    printf "its Procfile's '%s' is a worker with beat (-B); while one takes over from the other there would be two beats" "$1"
  fi
}
