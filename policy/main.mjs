// Where Pulumi enters. Its runner compiles a .ts entry by ts-node; from here on Node strips the types itself.
import "./index.ts";
