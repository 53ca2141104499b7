import { createHmac } from 'node:crypto';
import { maskPath } from '@docket/directory';
import type { MaskAction, MaskRule } from '@docket/directory';

import type { SentEvent } from './batch-encoding.ts';

/** An event as one subscription may see it. What a format or a sink makes of the event, it makes of this. */
export type EventMask = (event: SentEvent) => SentEvent;

/** 128 bits: two values of a tenant do not meet. */
const pseudonymBytes = 16;

/**
 * The pseudonym of a value: the same for the same value of a subscription, in whichever field, so that events can still be joined by it; without the key it
 * can neither be turned back nor be found by trying values.
 */
export function pseudonymOf(key: Buffer, value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const digest = createHmac('sha256', key).update(text).digest();
  return `hmac:${digest.subarray(0, pseudonymBytes).toString('base64url')}`;
}

/**
 * Compiles the rules of a subscription. Throws for a rule that is not known, such as one of a later version, and for `hmac` without a key: nothing is sent
 * then, rather than sent as it is.
 */
export function compileMask(rules: readonly MaskRule[], key: Buffer | undefined): EventMask {
  const compiled = rules.map((rule) => {
    const path = maskPath(rule);
    if (path === undefined) throw new Error(`the field ${rule.field} cannot be masked by ${rule.action}`);
    return { path, replace: replacementOf(rule.action, key) };
  });
  return (event) => {
    let masked: SentEvent = event;
    for (const { path, replace } of compiled) masked = maskedEvent(masked, path, replace);
    return masked;
  };
}

/** Undefined: the member is left out. */
type Replace = (value: unknown) => unknown;

function replacementOf(action: MaskAction, key: Buffer | undefined): Replace {
  if (action === 'drop') return () => undefined;
  if (key === undefined) throw new Error('there is no key for pseudonyms');
  return (value) => pseudonymOf(key, value);
}

/** A top-level member that is left out is undefined, which JSON has no place for. */
function maskedEvent(event: SentEvent, [name = '', ...rest]: readonly string[], replace: Replace): SentEvent {
  if (!Object.hasOwn(event, name)) return event;
  const members: Readonly<Record<string, unknown>> = { ...event };
  return { ...event, [name]: maskedValue(members[name], rest, replace) };
}

function maskedValue(value: unknown, path: readonly string[], replace: Replace): unknown {
  const [name, ...rest] = path;
  if (value === undefined) return undefined;
  if (name === undefined) return replace(value);
  if (Array.isArray(value)) return value.map((item: unknown) => maskedValue(item, path, replace) ?? {});
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).flatMap(([key, member]: [string, unknown]) => {
    const masked = key === name ? maskedValue(member, rest, replace) : member;
    return masked === undefined ? [] : [[key, masked] as const];
  });
  // An object of which nothing is left says nothing.
  return members.length === 0 ? undefined : Object.fromEntries(members);
}
