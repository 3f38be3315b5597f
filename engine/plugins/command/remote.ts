import type { Client, ClientChannel } from "ssh2";
import type { Context } from "../provider.ts";
import { dial } from "./connection.ts";
import { previousOutput, reason } from "./local.ts";
import { Capture } from "./output.ts";
import type { CommandInputs, Connection, Output } from "./types.ts";

/** Runs a command on a host over SSH: a connection of its own, one session, standard input, and the output back. */
export async function runRemote(
  command: string,
  inputs: CommandInputs,
  previous: Output,
  context: Context,
): Promise<Output> {
  const connection = inputs.connection as Connection;
  const session = await dial(connection, context);
  try {
    return await execute(session.client, command, inputs, previous, context);
  } finally {
    session.close();
  }
}

function execute(
  client: Client,
  command: string,
  inputs: CommandInputs,
  previous: Output,
  context: Context,
): Promise<Output> {
  const capture = new Capture(inputs.logging, context);
  const { host, port } = inputs.connection as Connection;
  return new Promise((resolve, reject) => {
    let exit: { status: number | null; signal?: string | undefined } | undefined;
    let lost: string | undefined;
    let settled = false;
    const settle = (finish: () => void) => {
      if (settled) return;
      settled = true;
      context.signal.removeEventListener("abort", cancel);
      finish();
    };
    const fail = (cause: string) => settle(() => reject(capture.failure(cause, command)));
    let channel: ClientChannel | undefined;
    // The real provider cannot be cancelled here. sshd (7.9 and later) passes the signal on to the command, but for
    // commands of root; those notice that nobody reads their output any more.
    const cancel = () => {
      if (channel) terminate(client, channel);
      fail(reason(context.signal));
    };
    context.signal.addEventListener("abort", cancel, { once: true });
    client.on("error", (error) => {
      lost = error.message;
    });
    client.on("close", () =>
      fail(
        `the connection to ${host}:${port} was lost while the command ran` +
          `${lost ? ` (${lost})` : ""}; it may still be running there`,
      ),
    );
    setEnvironment(client, inputs, previous, context);
    client.exec(command, (error, opened) => {
      if (error) return settle(() => reject(error));
      channel = opened;
      opened.on("data", (chunk: Buffer) => capture.stdout(chunk));
      opened.stderr.on("data", (chunk: Buffer) => capture.stderr(chunk));
      opened.on("exit", (status: number | null, signal?: string) => {
        exit = { status, signal };
      });
      // A command need not read its input to the end.
      opened.on("error", () => {});
      opened.on("close", () => {
        if (!exit) {
          // A lost connection closes its channels first; its own event, next, knows why.
          setImmediate(fail, "wait: remote command exited without exit status or exit signal");
        } else if (exit.signal) fail(`Process exited from signal ${exit.signal.replace(/^SIG/, "")}`);
        else if (exit.status !== 0) fail(`Process exited with status ${exit.status}`);
        else settle(() => resolve(capture.finish()));
      });
      opened.end(inputs.stdin ?? "");
    });
  });
}

/** ssh2's own `signal` does nothing once standard input has ended. */
function terminate(client: Client, channel: ClientChannel): void {
  const { outgoing } = channel as unknown as { outgoing: { id: number; state: string } };
  if (outgoing.state !== "closed") (client as unknown as Internals)._protocol.signal(outgoing.id, "TERM");
  channel.close();
}

interface Internals {
  readonly _chanMgr: { get(id: number): { readonly _callbacks: ((failed: boolean | Error) => void)[] } };
  readonly _protocol: {
    env(channel: number, name: string, value: string, wantReply: boolean): void;
    exec(channel: number, command: string, wantReply: boolean): void;
    signal(channel: number, name: string): void;
  };
}

/**
 * Sets the environment before the command starts, and fails where the server does not accept a variable (sshd's
 * AcceptEnv), as the real provider does; the outputs of the last run are only tried. ssh2 itself sends variables
 * without asking for an answer, so its `exec` request is held back until every answer is there.
 */
function setEnvironment(client: Client, inputs: CommandInputs, previous: Output, context: Context): void {
  const wanted = Object.entries(inputs.environment ?? {}).map(([name, value]) => ({
    name,
    value,
    must: true,
  }));
  const tried = Object.entries(previousOutput(inputs, previous)).map(([name, value]) => ({
    name,
    value,
    must: false,
  }));
  const variables = [...wanted, ...tried];
  if (variables.length === 0) return;
  const { _chanMgr: channels, _protocol: protocol } = client as unknown as Internals;
  const exec = protocol.exec.bind(protocol);
  protocol.exec = (id, command, wantReply) => {
    const { _callbacks: waiting } = channels.get(0);
    const started = waiting.pop() as (failed: boolean | Error) => void;
    const next = () => {
      const variable = variables.shift();
      if (!variable) {
        waiting.push(started);
        exec(id, command, wantReply);
        return;
      }
      waiting.push((failed) => {
        if (!failed) return next();
        const message =
          `Unable to set '${variable.name}'. This only works if the SSH server accepts the variable (AcceptEnv in ` +
          "sshd_config); otherwise put it before the command, as in 'NAME=value command'";
        context.log(variable.must ? "error" : "warning", message);
        if (!variable.must) return next();
        started(new Error(`could not set environment variable "${variable.name}": ssh: setenv failed`));
      });
      protocol.env(id, variable.name, variable.value, true);
    };
    next();
  };
}
