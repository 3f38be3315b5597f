// The provider in a process of its own, for a language host that is not Berth's.
import { serve } from "../server.ts";
import { provider } from "./provider.ts";

await serve(provider);
