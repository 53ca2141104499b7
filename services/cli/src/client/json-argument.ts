import type { Json } from './api-client.ts';

/** The JSON object of an argument. Throws with the option's name for what is none. */
export function jsonObject(text: string, option: string): Json {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${option} is no JSON: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Error(`${option} is no JSON object`);
  }
  return { ...parsed };
}
