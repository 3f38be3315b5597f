/** A line as known_hosts has it: see sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". */
export const knownHost = (
  { host, port }: { readonly host: string; readonly port: number },
  key: string,
): string => `${port === 22 ? host : `[${host}]:${port}`} ${key}`;
