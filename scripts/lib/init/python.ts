// What a Python file says, without running it. By a parser in JavaScript: Berth asks for no Python on the computer that
// it runs on, but for local hosts, and an application may be written for another version of it.
import { parser } from "@lezer/python";

type Node = ReturnType<typeof parser.parse>["topNode"];

/** An expression, as far as it can be told. */
export type Expression =
  | { readonly kind: "text"; readonly value: string }
  /** `a.b.c` */
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "call"; readonly call: Call }
  /** `of[key]` */
  | { readonly kind: "item"; readonly of: string; readonly key: Expression }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "dict"; readonly entries: readonly (readonly [key: Expression, value: Expression])[] }
  /** Numbers, True, None and the like, and what has no constant value; `source` is what stands there. */
  | { readonly kind: "constant" | "other"; readonly source: string };

export interface Where {
  readonly line: number;
  /** The function that it is in. */
  readonly inside: string | undefined;
  /** Whether it may be left out: in a branch, a loop, a function. */
  readonly conditional: boolean;
}

export interface Call extends Where {
  /** `os.environ.get`; of what is no name, the part after its last dot. */
  readonly name: string;
  readonly args: readonly Expression[];
  readonly keywords: Readonly<Record<string, Expression>>;
}

export interface Function extends Where {
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly default: string | undefined }[];
  readonly decorators: readonly Expression[];
}

export interface Module {
  readonly path: string;
  /** What it imports from where; `names` is `*` for all. Dots before a relative one are kept. */
  readonly imports: readonly (Where & {
    readonly from: string;
    readonly names: readonly (readonly [name: string, as: string])[];
  })[];
  readonly assigns: readonly (Where & {
    readonly name: string;
    readonly value: Expression;
    /** The value as it stands there. */
    readonly source: string;
    /** Whether it is added to what the name has already. */
    readonly isAdded: boolean;
  })[];
  readonly calls: readonly Call[];
  readonly items: readonly (Where & { readonly of: string; readonly key: Expression })[];
  readonly comparisons: readonly (Where & {
    readonly left: Expression;
    readonly right: Expression;
    readonly operator: string;
  })[];
  readonly functions: readonly Function[];
  readonly classes: readonly (Where & {
    readonly name: string;
    readonly bases: readonly string[];
    readonly fields: readonly (readonly [name: string, value: Expression | undefined])[];
  })[];
  /** Whether it has a loop without end, as workers have. */
  readonly loopsForever: boolean;
  /** The first line that is not understood, of Python 2 perhaps. What is around it is known all the same. */
  readonly faultAt: number | undefined;
}

type Parts = { -readonly [K in keyof Module]: Module[K] extends readonly (infer T)[] ? T[] : Module[K] };

const branches = new Set([
  "IfStatement",
  "TryStatement",
  "ForStatement",
  "WhileStatement",
  "MatchClause",
  "FunctionDefinition",
]);

export function readPython(path: string, text: string): Module {
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const module: Parts = {
    ...{ path, imports: [], assigns: [], calls: [], items: [], comparisons: [], functions: [], classes: [] },
    ...{ loopsForever: false, faultAt: undefined },
  };
  const lineOf = (at: number) => {
    let [low, high] = [0, lineStarts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lineStarts[middle] as number) <= at) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
  const source = (node: Node) => text.slice(node.from, node.to);

  const nameOf = (node: Node): string | undefined => {
    if (node.name === "VariableName" || node.name === "PropertyName") return source(node);
    const last = node.lastChild;
    if (node.name !== "MemberExpression" || last?.name !== "PropertyName" || node.firstChild === null)
      return undefined;
    const of = nameOf(node.firstChild);
    return of === undefined ? undefined : `${of}.${source(last)}`;
  };

  const callOf = (node: Node, where: Where): Call => {
    const [callee, list] = [node.firstChild, node.lastChild];
    const args: Expression[] = [];
    const keywords: Record<string, Expression> = {};
    const parts =
      list?.name === "ArgList" ? childrenOf(list).filter(({ name }) => !/^[(),]$/.test(name)) : [];
    for (let at = 0; at < parts.length; at++) {
      const [part, next, value] = parts.slice(at, at + 3) as [Node, Node?, Node?];
      if (next?.name === "AssignOp" && value !== undefined) {
        keywords[source(part)] = expression(value, where);
        at += 2;
      } else if (part.name === "*" || part.name === "**") at += 1;
      else args.push(expression(part, where));
    }
    const name = callee === null ? "" : (nameOf(callee) ?? source(callee.lastChild ?? callee));
    return { name, args, keywords, ...where };
  };

  const expression = (node: Node, where: Where): Expression => {
    const name = nameOf(node);
    if (name !== undefined) return { kind: "name", name };
    const children = childrenOf(node);
    const inner = children.filter(({ name }) => !/^[[\](){},:]$/.test(name));
    switch (node.name) {
      case "String":
        return { kind: "text", value: textOf(source(node)) };
      case "ContinuedString":
        if (!children.every(({ name }) => name === "String")) break;
        return { kind: "text", value: children.map((one) => textOf(source(one))).join("") };
      case "CallExpression":
        return { kind: "call", call: callOf(node, where) };
      case "ParenthesizedExpression":
        if (inner[0] === undefined) break;
        return expression(inner[0], where);
      case "ArrayExpression":
      case "TupleExpression":
      case "SetExpression":
        return {
          kind: "list",
          items: inner.filter(({ name }) => name !== "*").map((one) => expression(one, where)),
        };
      case "DictionaryExpression": {
        const entries = inner.filter(({ prevSibling, name }) => name !== "**" && prevSibling?.name !== "**");
        return {
          kind: "dict",
          entries: entries.flatMap((key, at) => {
            const value = entries[at + 1];
            return at % 2 === 0 && value ? [[expression(key, where), expression(value, where)] as const] : [];
          }),
        };
      }
      case "MemberExpression": {
        const [of, , key] = children;
        const named = of && nameOf(of);
        if (named === undefined || key === undefined) break;
        return { kind: "item", of: named, key: expression(key, where) };
      }
      case "Number":
      case "Boolean":
      case "None":
      case "UnaryExpression":
        return { kind: "constant", source: source(node) };
      case "BinaryExpression": {
        // Lists one after the other.
        const sides = children[1] && source(children[1]) === "+" ? [children[0], children[2]] : [];
        const parts = sides.flatMap((one) => (one ? [expression(one, where)] : []));
        if (!parts.some(({ kind }) => kind === "list")) break;
        return { kind: "list", items: parts.flatMap((one) => (one.kind === "list" ? one.items : [one])) };
      }
    }
    return { kind: "other", source: source(node) };
  };

  const readImport = (node: Node, where: Where) => {
    const words = childrenOf(node)
      .map((one) => source(one))
      .filter((word) => !/^[(),]$/.test(word));
    const at = words.indexOf("import");
    // `a.b as c, d`
    const text = words
      .slice(at + 1)
      .join(" ")
      .replaceAll(" . ", ".");
    const pairs = [...text.matchAll(/([\w.*]+)(?: as (\w+))?/g)];
    const names = pairs.map(([, name = "", as]): [string, string] => [name, as ?? name]);
    if (words[0] === "from") module.imports.push({ from: words.slice(1, at).join(""), names, ...where });
    else for (const [name, as] of names) module.imports.push({ from: name, names: [["", as]], ...where });
  };

  const readAssign = (node: Node, where: Where) => {
    const children = childrenOf(node).filter(({ name }) => name !== "TypeDef" && name !== ",");
    const sides = children.reduce<Node[][]>(
      (sides, one) => {
        if (one.name === "AssignOp" || one.name === "UpdateOp") sides.push([]);
        else sides.at(-1)?.push(one);
        return sides;
      },
      [[]],
    );
    const values = sides.pop() ?? [];
    for (const targets of sides) {
      targets.forEach((target, index) => {
        const name = nameOf(target);
        const value = values.length === targets.length ? values[index] : values[0];
        if (name !== undefined && value !== undefined) {
          module.assigns.push({
            name,
            value: expression(value, where),
            source: source(value),
            isAdded: node.name === "UpdateStatement",
            ...where,
          });
        }
      });
    }
  };

  const readFunction = (node: Node, where: Where, decorators: readonly Expression[]) => {
    const list = childrenOf(node.getChild("ParamList")).filter(({ name }) => !/^([(),]|TypeDef)$/.test(name));
    const params = list.flatMap((one, at) => {
      if (one.name !== "VariableName" || list[at - 1]?.name === "AssignOp") return [];
      if (list[at - 1]?.name === "*" || list[at - 1]?.name === "**") return [];
      const value = list[at + 1]?.name === "AssignOp" ? list[at + 2] : undefined;
      return [{ name: source(one), default: value && source(value) }];
    });
    const name = node.getChild("VariableName");
    if (name) module.functions.push({ name: source(name), params, decorators, ...where });
  };

  const readClass = (node: Node, where: Where) => {
    const name = node.getChild("VariableName");
    const bases = childrenOf(node.getChild("ArgList")).flatMap((one) => nameOf(one) ?? []);
    const fields = childrenOf(node.getChild("Body"))
      .filter((one) => one.name === "AssignStatement" && one.getChild("TypeDef"))
      .flatMap((one) => {
        const [field, value] = [
          one.getChild("VariableName"),
          one.getChild("AssignOp") ? one.lastChild : null,
        ];
        return field ? [[source(field), value ? expression(value, where) : undefined] as const] : [];
      });
    if (name) module.classes.push({ name: source(name), bases, fields, ...where });
  };

  const visit = (
    node: Node,
    inside: string | undefined,
    conditional: boolean,
    decorators: readonly Expression[],
  ) => {
    const where: Where = { line: lineOf(node.from), inside, conditional };
    let [within, maybe] = [inside, conditional];
    switch (node.name) {
      case "⚠":
        if (!isRight(text, node.from)) module.faultAt ??= where.line;
        break;
      case "PrintStatement":
        // `print "x"` is Python 2's.
        module.faultAt ??= where.line;
        break;
      case "ImportStatement":
        readImport(node, where);
        return;
      case "AssignStatement":
      case "UpdateStatement":
        readAssign(node, where);
        break;
      case "CallExpression":
        module.calls.push(callOf(node, where));
        break;
      case "MemberExpression": {
        const item = expression(node, where);
        if (item.kind === "item" && !isTarget(node))
          module.items.push({ of: item.of, key: item.key, ...where });
        break;
      }
      case "BinaryExpression": {
        const [left, operator, right] = childrenOf(node);
        if (left && right && operator && /^(CompareOp|in)$/.test(operator.name)) {
          const sides = { left: expression(left, where), right: expression(right, where) };
          module.comparisons.push({ ...sides, operator: source(operator), ...where });
        }
        break;
      }
      case "ConditionalExpression":
        maybe = true;
        break;
      case "WhileStatement":
        if (/^while\s*\(?\s*(True|1)\b/.test(source(node))) module.loopsForever = true;
        break;
      case "FunctionDefinition":
        readFunction(node, where, decorators);
        within = node.getChild("VariableName") ? source(node.getChild("VariableName") as Node) : inside;
        break;
      case "ClassDefinition":
        readClass(node, where);
        break;
      case "Body":
        maybe ||= branches.has(node.parent?.name ?? "");
        break;
    }
    const children = childrenOf(node);
    const own = node.name !== "DecoratedStatement" ? [] : children.filter(({ name }) => name === "Decorator");
    for (const child of children)
      visit(
        child,
        within,
        maybe,
        own.map((one) => decoratorOf(one, where)),
      );
  };

  /** A decorator's name and arguments stand side by side. */
  const decoratorOf = (node: Node, where: Where): Expression => {
    const list = node.getChild("ArgList");
    const name = text.slice((node.firstChild as Node).to, list?.from ?? node.to).trim();
    return list ? { kind: "call", call: { ...callOf(node, where), name } } : { kind: "name", name };
  };

  visit(parser.parse(text).topNode, undefined, false, []);
  return module as Module;
}

function childrenOf(node: Node | null): Node[] {
  const found: Node[] = [];
  for (let child = node?.firstChild ?? null; child; child = child.nextSibling) {
    if (child.name !== "Comment") found.push(child);
  }
  return found;
}

/** What the parser does not know of Python 3: a `yield` of nothing, `*_` among the names of a loop, `case str():`. */
function isRight(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 400), at).trimEnd();
  const start = before.lastIndexOf("\n", Math.max(0, before.length - 1));
  const end = text.indexOf("\n", at);
  const line = before.slice(start + 1) + text.slice(at, end < 0 ? undefined : end);
  return (
    /\byield\s*\)?\s*$|\*\w+|\bcase\b.*\(|\bfor\b.*,\s*\*/.test(before.slice(start + 1)) ||
    /\*\w+ in\b|\bcase\b.*\(\)/.test(line)
  );
}

/** Whether it is given a value, or deleted, and so not read. */
function isTarget(node: Node): boolean {
  if (node.parent?.name === "DeleteStatement") return true;
  if (node.parent?.name !== "AssignStatement") return false;
  for (let next = node.nextSibling; next; next = next.nextSibling) if (next.name === "AssignOp") return true;
  return false;
}

/** The value of a string, without its prefix and its quotes. */
function textOf(source: string): string {
  const [, prefix = "", , text = ""] = /^([A-Za-z]*)("""|'''|"|')([\s\S]*)\2$/.exec(source) ?? [];
  return /r/i.test(prefix) ? text : text.replaceAll(/\\(['"\\])/g, "$1").replaceAll("\\n", "\n");
}

/** The value where it is text. */
export const textIn = (one: Expression | undefined): string | undefined =>
  one?.kind === "text" ? one.value : undefined;

/** All texts in an expression, however deep. */
export function textsIn(one: Expression): string[] {
  switch (one.kind) {
    case "text":
      return [one.value];
    case "list":
      return one.items.flatMap(textsIn);
    case "dict":
      return one.entries.flatMap(([key, value]) => [...textsIn(key), ...textsIn(value)]);
    case "call":
      return [...one.call.args, ...Object.values(one.call.keywords)].flatMap(textsIn);
    case "other":
      return [...one.source.matchAll(/(["'])((?:(?!\1)[^\\\n])*)\1/g)].map(([, , text]) => text as string);
    default:
      return [];
  }
}
