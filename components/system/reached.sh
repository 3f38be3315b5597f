# This step came by a new connection, after SSH and the firewall were changed: see components/host/lib/undo.sh.
: "${changed_by?what SSH and the firewall said of their last change}"

for taken_back in "$undone"/*; do
  if [ ! -e "$taken_back" ]; then continue; fi
  fail "Berth did not come in again within a minute after the step '${taken_back##*/}', so this host took back what that step had changed." "If that change keeps Berth out, mend it; if the deployment was stopped at that moment, nothing is wrong. Then run 'npm start': it does the step again."
done
