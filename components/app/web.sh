prove_unit "$name-web@"
