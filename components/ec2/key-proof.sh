: "${bucket?the URL of the bucket}"
: "${region?the AWS region of the bucket}"
: "${generation?the generation of the key}"
: "${keys?which key is of which generation}"
: "${meanwhile?what goes on while the key does not work yet, a sentence}"

# By standard input: every account of this host can read a command's arguments.
sign_in() { printf 'user = "%s:%s"\n' "$(secret id)" "$(secret key)"; }
answer=
# The SHA-256 of an empty body, which S3 asks for and an older curl does not send by itself.
nothing=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
ask() {
  answer=$(sign_in | curl -q -sS -m 10 -K - --aws-sigv4 "aws:amz:$region:s3" -H "x-amz-content-sha256: $nothing" -w '\n%{http_code}\n' "$bucket?list-type=2&max-keys=1" 2>&1) || return 1
  [ "${answer##*$'\n'}" = 200 ]
}
# A new key arrives at one of S3's servers sooner than at another: one answer is not enough.
taken() {
  local _
  for _ in 1 2 3; do
    sleep 1
    ask || return 1
  done
}
if ! wait_until 120 taken; then
  reason=$(grep -o -m 1 -e '<Code>[^<]*' -e '^curl: .*' <<<"$answer" | sed 's/^<Code>//' | head -n 1 || true)
  fail "for 2 minutes S3 has rejected the IAM user's key of generation $generation at $bucket: ${reason:-HTTP status ${answer##*$'\n'}}. $meanwhile" \
    "Look at the user's key and policy in IAM, and check that this host reaches S3; then run 'pulumi up' again."
fi

{
  cat "$keys" 2>/dev/null || true
  printf '%s %s\n' "$(secret id)" "$generation"
} | awk '!seen[$0]++' | put_file "$keys" root:root 0600
