// Node strips the types of this program and keeps every position, so its stack traces are right as they are. The
// mapping that Pulumi's runner installs would read the source maps of every package on the stack, and Pulumi takes
// a stack trace at each resource: a quarter of a second of every preview.
Reflect.deleteProperty(Error, "prepareStackTrace");
