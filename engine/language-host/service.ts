import type * as Grpc from "@grpc/grpc-js";
import type * as Messages from "@pulumi/pulumi/proto/language_pb.js";
import { stopAll } from "./processes.ts";
import { notAvailable } from "./refusal.ts";
import {
  anySize,
  empties,
  grpc,
  LanguageRuntimeService,
  listen,
  messages,
  plugins,
  require,
} from "./stubs.ts";

type Unary = Grpc.ServerUnaryCall<unknown, unknown>;
type Stream = Grpc.ServerWritableStream<unknown, unknown>;

/** The address of the engine that started this process. */
let starter = "";
/** Those of engines that have attached themselves (PULUMI_DEBUG_LANGUAGES), which tell it by Handshake, by connection. */
const attached = new Map<string, string>();
const engineOf = (call: Unary | Stream) => attached.get(call.getPeer()) ?? starter;

const failure = (error: unknown) => ({
  code: (error as { code?: unknown }).code === 12 ? 12 : 2,
  details: error instanceof Error ? error.message : String(error),
});

/** Answers one request with one message. */
const answer =
  <Request>(work: (request: Request, call: Unary) => unknown) =>
  async (call: Unary, done: Grpc.sendUnaryData<unknown>) => {
    try {
      done(null, await work(call.request as Request, call));
    } catch (error) {
      done(failure(error));
    }
  };

/** Answers one request with a stream of messages. */
const pour =
  <Request>(work: (request: Request, call: Stream) => Promise<void>) =>
  async (call: Stream) => {
    try {
      await work(call.request as Request, call);
      call.end();
    } catch (error) {
      call.destroy(Object.assign(new Error(failure(error).details), failure(error)));
    }
  };

/** Everything that this language host can do. Modules that few calls need are loaded by those calls. */
const handlers: Record<string, unknown> = {
  handshake: answer((request: Messages.LanguageHandshakeRequest, call) => {
    attached.set(call.getPeer(), request.getEngineAddress());
    return new messages.LanguageHandshakeResponse();
  }),

  getPluginInfo: answer(() => {
    const { version } = require("@pulumi/pulumi/package.json") as { version: string };
    return new plugins.PluginInfo().setVersion(version);
  }),

  getRequiredPackages: answer(async (request: Messages.GetRequiredPackagesRequest) => {
    const { requiredPlugins } = await import("./packages.ts");
    const found = requiredPlugins(request.getInfo()?.getProgramDirectory() ?? "");
    return new messages.GetRequiredPackagesResponse().setPackagesList(
      found.map(({ name, version, server, parameterization }) => {
        const needed = new plugins.PackageDependency()
          .setName(name)
          .setKind("resource")
          .setVersion(version)
          .setServer(server);
        if (!parameterization) return needed;
        return needed.setParameterization(
          new plugins.PackageParameterization()
            .setName(parameterization.name)
            .setVersion(parameterization.version)
            .setValue(parameterization.value),
        );
      }),
    );
  }),

  run: answer(async (request: Messages.RunRequest, call) => {
    const { run } = await import("./run.ts");
    try {
      const result = await run(request, engineOf(call), (stop) => call.once("cancelled", stop));
      return new messages.RunResponse().setError(result.error).setBail(result.bail);
    } catch (error) {
      return new messages.RunResponse().setError(failure(error).details);
    }
  }),

  about: answer(async () =>
    withEntries(new messages.AboutResponse().setExecutable(process.execPath).setVersion(process.version)),
  ),

  getProgramDependencies: answer(async (request: Messages.GetProgramDependenciesRequest) => {
    const { programDependencies } = await import("./packages.ts");
    const program = request.getInfo()?.getProgramDirectory() ?? "";
    return new messages.GetProgramDependenciesResponse().setDependenciesList(
      programDependencies(program, request.getTransitivedependencies()).map(({ name, version }) =>
        new messages.DependencyInfo().setName(name).setVersion(version),
      ),
    );
  }),

  installDependencies: pour(async (request: Messages.InstallDependenciesRequest, call) => {
    const { installDependencies } = await import("./install.ts");
    await installDependencies(request, engineOf(call), {
      stdout: (data) => call.write(new messages.InstallDependenciesResponse().setStdout(data)),
      stderr: (data) => call.write(new messages.InstallDependenciesResponse().setStderr(data)),
    });
  }),

  runPlugin: pour(async (request: Messages.RunPluginRequest, call) => {
    const { runPlugin } = await import("./plugin.ts");
    await runPlugin(
      request,
      engineOf(call),
      {
        stdout: (data) => call.write(new messages.RunPluginResponse().setStdout(data)),
        stderr: (data) => call.write(new messages.RunPluginResponse().setStderr(data)),
      },
      (stop) => call.once("cancelled", stop),
    );
  }),

  runtimeOptionsPrompts: answer(() => new messages.RuntimeOptionsResponse()),

  template: answer(() => new messages.TemplateResponse()),

  cancel: answer((_, call) => {
    stopAll(engineOf(call));
    return new empties.Empty();
  }),
};

function withEntries(response: Messages.AboutResponse): Messages.AboutResponse {
  response.getMetadataMap().set("packagemanager", "npm");
  return response;
}

/** Serves the language host on a free port; every call that it does not have is refused by its name. */
export function serve(engineAddress: string): Promise<number> {
  starter = engineAddress;
  const implementation = Object.fromEntries(
    Object.entries(LanguageRuntimeService).map(([name, method]) => {
      const refuse = () => {
        throw notAvailable(method.path.split("/").at(-1) ?? name);
      };
      return [name, handlers[name] ?? (method.responseStream ? pour(refuse) : answer(refuse))];
    }),
  );
  const server = new grpc.Server(anySize);
  server.addService(LanguageRuntimeService, implementation as Grpc.UntypedServiceImplementation);
  return listen(server);
}
