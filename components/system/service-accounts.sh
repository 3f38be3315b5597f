: "${service_accounts?the accounts of services that no package makes, and the keys of the configuration that ask for them, a line each}"

while read -r account key; do put_service_account "$account" /nonexistent "$key"; done <<<"$service_accounts"
