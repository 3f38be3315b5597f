// The models of an application as its migrations make them, one after the other.
import type { Expression } from "../../init/python.ts";
import { Field } from "./field.ts";
import { argument, type Operation, operationsIn, textArgument } from "./read.ts";

interface Model {
  readonly fields: Map<string, Field>;
  /** Whether the pull request makes it, so that nobody reads it yet. */
  readonly isNew: boolean;
  /** Whether Django makes no table for it. */
  readonly isUnmanaged: boolean;
}

export class Models {
  readonly #models = new Map<string, Model>();

  /** Whether nobody can be in the way of a change: its table is new, or Django leaves it alone. */
  isFree(model: string): boolean {
    const found = this.#models.get(model.toLowerCase());
    return found !== undefined && (found.isNew || found.isUnmanaged);
  }

  field(model: string, name: string): Field | undefined {
    return this.#models.get(model.toLowerCase())?.fields.get(name);
  }

  /** What an operation does to them. */
  apply({ name, call }: Operation, isNew: boolean): void {
    const model = textArgument(call, 0, "model_name", "name", "old_name").toLowerCase();
    const field = () => textArgument(call, 1, "name", "old_name");
    const found = this.#models.get(model);
    switch (name) {
      case "CreateModel":
        this.#models.set(model, {
          fields: fieldsIn(argument(call, 1, "fields")),
          isNew,
          isUnmanaged: isUnmanaged(argument(call, 2, "options")),
        });
        return;
      case "DeleteModel":
        this.#models.delete(model);
        return;
      case "RenameModel":
        if (found === undefined) return;
        this.#models.delete(model);
        this.#models.set(textArgument(call, 1, "new_name").toLowerCase(), found);
        return;
      case "AddField":
      case "AlterField": {
        const is = argument(call, 2, "field");
        if (is?.kind === "call") found?.fields.set(field(), new Field(is.call));
        else found?.fields.delete(field());
        return;
      }
      case "RemoveField":
        found?.fields.delete(field());
        return;
      case "RenameField": {
        const is = found?.fields.get(field());
        found?.fields.delete(field());
        if (is !== undefined) found?.fields.set(textArgument(call, 2, "new_name"), is);
        return;
      }
      case "SeparateDatabaseAndState":
        for (const one of operationsIn(argument(call, 1, "state_operations")).operations)
          this.apply(one, isNew);
        return;
      case "RunSQL":
        for (const one of operationsIn(call.keywords.state_operations).operations) this.apply(one, isNew);
    }
  }
}

/** `[("id", models.AutoField(…)), …]` */
function fieldsIn(list: Expression | undefined): Map<string, Field> {
  const pairs = (list?.kind === "list" ? list.items : []).flatMap((pair) => {
    const [name, field] = pair.kind === "list" ? pair.items : [];
    return name?.kind === "text" && field?.kind === "call"
      ? [[name.value, new Field(field.call)] as const]
      : [];
  });
  return new Map(pairs);
}

const isUnmanaged = (options: Expression | undefined): boolean =>
  options?.kind === "dict" &&
  options.entries.some(
    ([key, value]) =>
      key.kind === "text" &&
      value.kind === "constant" &&
      ((key.value === "managed" && value.source === "False") ||
        (key.value === "proxy" && value.source === "True")),
  );
