import { Problem } from '../problem.ts';

/** Longer texts are refused here, so that every audit event stays within the limits of the log. */
const textCharsMax = 256;

/** A field of a JSON body as text of 1..charsMax characters; anything else is the client's mistake. */
export function textField(body: unknown, name: string, charsMax: number = textCharsMax): string {
  const value = field(body, name);
  if (typeof value !== 'string' || value === '' || value.length > charsMax) {
    throw new Problem(400, `${name} must be a text of 1..${charsMax} characters`);
  }
  return value;
}

export function optionalTextField(body: unknown, name: string, charsMax?: number): string | undefined {
  return field(body, name) === undefined ? undefined : textField(body, name, charsMax);
}

export function choiceField<T extends string>(body: unknown, name: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === field(body, name));
  if (choice === undefined) throw new Problem(400, `${name} must be one of ${choices.join(', ')}`);
  return choice;
}

export function countField(body: unknown, name: string, max: number): number {
  const value = field(body, name);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > max) {
    throw new Problem(400, `${name} must be a whole number of 1..${max}`);
  }
  return value;
}

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
}
