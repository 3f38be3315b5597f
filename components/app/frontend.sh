# An application with a package.json gets what that asks for: its packages, and its build when it has one.
build_frontend() {
  local kind place
  [ -e "$directory/package.json" ] || return 0
  kind=$(as_owner /usr/bin/python3 -I -c 'import json, sys
package = json.load(open(sys.argv[1]))
print("build" if "build" in package.get("scripts", {}) else "packages" if package.get("dependencies") else "none")' package.json) ||
    fail "the source's package.json is not valid JSON."
  [ "$kind" != none ] || return 0
  [ -e "$directory/package-lock.json" ] || fail "the source has a package.json and no package-lock.json, so its packages are not pinned." "Run 'npm install' in the source and commit package-lock.json."
  place=$(tool node)
  say "npm ci${kind:+ and build}"
  npm() {
    logged as_owner env PATH="$place/bin:/usr/local/bin:/usr/bin:/bin" npm_config_update_notifier=false \
      npm_config_fund=false npm_config_audit=false NPM_CONFIG_GLOBALCONFIG=/etc/npmrc npm "$@"
  }
  if [ "$kind" = build ]; then npm ci; else npm ci --omit=dev; fi || fail "'npm ci' failed." "Its last lines are above; nothing that runs was changed."
  [ "$kind" != build ] || npm run build || fail "'npm run build' failed." "Its last lines are above; nothing that runs was changed."
}
