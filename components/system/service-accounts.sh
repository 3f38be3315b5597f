: "${service_accounts?the accounts that no package makes, each with the key of the configuration that asks for it, and its home if it has one, a line each}"

while read -r account key home; do
  put_service_account "$account" "${home:-/nonexistent}" "$key"
  # What else the application's have, such as groups, is known to the steps that they are made for.
  if [ -n "$home" ]; then unset "noted[account"$'\t'"$account]"; fi
done <<<"$service_accounts"
