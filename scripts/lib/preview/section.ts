// The parts of a report, whatever it is written as.
import type { Phrase } from "./words.ts";

/** Text of others, as it is. */
export interface Quote {
  /** What is above it. @default nothing */
  readonly caption?: Phrase;
  readonly text: string;
  /** How it is coloured. */
  readonly language: "diff" | "text" | "sql";
}

/** Something that can be folded, and left out where there is no room. */
export interface Part {
  readonly title: Phrase;
  readonly quotes: readonly Quote[];
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Phrase[])[];
}

export interface Section {
  readonly heading: string;
  /** Lines that are seen at once. @default none */
  readonly lines?: readonly Phrase[];
  readonly parts: readonly Part[];
  /** @default none */
  readonly table?: Table;
}
