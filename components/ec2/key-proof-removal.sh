: "${keys?which key is of which generation}"
rm -f "$keys"
