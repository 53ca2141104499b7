/** The code of an error of Node or of LevelDB; undefined if it has none. Not by `instanceof`: errors cross from other realms. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
}

/** What an error was caused by; undefined if it does not say. */
export function causeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, 'cause') : undefined;
}

/** Its message with that of its cause, which often has the reason. Never throws. */
export function reasonOf(error: unknown): string {
  const cause = causeOf(error);
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}

/** Anything can be thrown, also what has no text. */
export function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'something without a text was thrown';
  }
}

function messageOf(error: unknown): string {
  const message: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'message') : undefined;
  return typeof message === 'string' ? message : textOf(error);
}
