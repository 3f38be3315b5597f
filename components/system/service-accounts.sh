: "${service_accounts?the accounts that no package makes, each with the key of the configuration that asks for it and its home, a line each}"

while read -r account key home; do
  put_service_account "$account" "$home" "$key"
  # What else the application's have, such as groups, is known to the steps that they are made for.
  if [ "$home" != /nonexistent ]; then unset "noted[account"$'\t'"$account]"; fi
done <<<"$service_accounts"
