: "${password_file?where nginx looks for its password}"
rm -f "$password_file"
