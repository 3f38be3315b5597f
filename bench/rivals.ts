/** What Berth is measured against on bare hosts, by the names that `--contenders` takes. */
export const rivalNames = ["floor", "ansible", "mitogen", "pyinfra"] as const;
