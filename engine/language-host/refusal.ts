/** An error that the engine shows as it is, with the gRPC status that it acts upon. */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the vendor's language host has and this one has not. 12 is gRPC's UNIMPLEMENTED. */
export function notAvailable(what: string): Refusal {
  return new Refusal(12, `${what}: not available from the registry build; install Pulumi from its site`);
}
