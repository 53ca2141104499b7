import { maskPath } from '@docket/directory';
import type { MaskRule, Subscription } from '@docket/directory';
import { invalidField } from '@docket/runtime';

/**
 * Decides what is stored of a mask. A key for pseudonyms is made when the first rule needs one, and kept: a mask that comes back gives the same ones. Throws
 * invalid_body for a field that may not be masked, or is masked twice.
 */
export function storedMask(
  known: Pick<Subscription, 'mask_key'>,
  mask: readonly MaskRule[] | undefined,
  sealNewKey: () => string,
): Pick<Subscription, 'mask' | 'mask_key'> {
  if (mask === undefined) return {};
  const fields = new Set<string>();
  for (const [index, rule] of mask.entries()) {
    const pointer = `/mask/${index}/field`;
    if (maskPath(rule) === undefined) throw invalidField(pointer, `cannot be masked by ${rule.action}`);
    if (fields.has(rule.field)) throw invalidField(pointer, 'is masked already');
    fields.add(rule.field);
  }
  const needsKey = known.mask_key === undefined && mask.some(({ action }) => action === 'hmac');
  return { mask: [...mask], ...(needsKey ? { mask_key: sealNewKey() } : {}) };
}
