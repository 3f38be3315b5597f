: "${root?the directory of the application}"

prove_unit "$name-web@"
