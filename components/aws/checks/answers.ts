import type * as pulumi from "@pulumi/pulumi";

/** By whose provider AWS is asked. */
export type Ask = pulumi.InvokeOptions;

/** An answer: a value, neither when there is no such thing, or an error that says something else. */
export type Answer<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error?: string | undefined };

/** @param none what AWS says when there is no such thing */
export async function asked<T>(answer: Promise<T>, none?: RegExp): Promise<Answer<T>> {
  try {
    return { value: await answer };
  } catch (error) {
    const text = error instanceof Error ? error.message : `${error}`;
    return none?.test(text) ? {} : { error: said(text) };
  }
}

/** What AWS said, in one line, without what the provider puts around it. */
function said(text: string): string {
  return text
    .replaceAll(
      /(invocation of|invoking) \S+( returned an error)?:|\d+ errors? occurred:|RequestID: \S*,/g,
      "",
    )
    .replaceAll(/[\s*]+/g, " ")
    .trim();
}

/** What is said of a key about which AWS gave no answer. */
export function unclear(key: string, error: string | undefined): string {
  return `${key}: AWS did not answer whether it can be had: ${error}`;
}
