import type { Credential, Decision, DirectoryReader, SealedSecret, Sink, Subscription } from '@docket/directory';
import { DocketError, invalidField } from '@docket/runtime';

import type { RangeReplayBody } from './request-schemas.ts';
import { checkFilter, findSubscription, requireRoom } from './subscription-policy.ts';
import type { IsDone } from './subscription-policy.ts';

/** I7: each is one more request under way to the same receiver. */
const replaysMax = 4;
/** I8: of those that are done the last are kept, so that their owner can see that they are. */
const doneMax = 4;

/**
 * Decides to send a range of the log once more: a subscription of its own beside the other one, with the same sink, format and mask, which ends with the range. So
 * it waits, fails, is paused and is removed like any other, and the live stream does not know of it. Throws not_found, invalid_body, limit_reached.
 * @param made.reseal seals for the new id what was sealed for the old one.
 */
export function decideReplay(
  directory: DirectoryReader,
  caller: Credential,
  subscriptionId: string,
  body: RangeReplayBody,
  made: {
    readonly id: string;
    readonly now: string;
    readonly reseal: (sealed: string) => string;
    readonly isDone: IsDone;
  },
): Decision<Subscription> {
  const { resume: _resume, mask_key: maskKey, ...known } = findSubscription(directory, caller, subscriptionId);
  if (known.replay !== undefined) throw invalidField('', 'is for a subscription; this is a replay itself');
  if (body.to_seq < body.from_seq) throw invalidField('/to_seq', 'is before from_seq');
  checkFilter(body.filter);
  const replays = replaysOf(directory, known);
  const done = replays.filter(made.isDone).toSorted((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  if (replays.length - done.length >= replaysMax) {
    throw new DocketError('limit_reached', `There are ${replaysMax} replays of ${known.id} under way: remove one.`);
  }
  requireRoom(directory, known.tenant_id, made.isDone);
  const reseal = (secret: SealedSecret): SealedSecret => ({ ...secret, sealed: made.reseal(secret.sealed) });
  const replay: Subscription = {
    ...known,
    id: made.id,
    name: `replay of ${known.name}`.slice(0, 256),
    sink: {
      ...withHeadersResealed(known.sink, made.reseal),
      secrets: known.sink.secrets.filter(isValidAt(made.now)).map(reseal),
    },
    ...(maskKey === undefined ? {} : { mask_key: made.reseal(maskKey) }),
    ...(body.filter === undefined ? {} : { filter: body.filter }),
    state: 'active',
    start_after_seq: body.from_seq - 1,
    replay: { of: known.id, to_seq: body.to_seq },
    created_at: made.now,
    updated_at: made.now,
  };
  const removes = done.slice(doneMax).map(({ id }) => ({ kind: 'subscription', id }) as const);
  return { puts: [replay], removes, result: replay };
}

function withHeadersResealed(sink: Sink, reseal: (sealed: string) => string): Sink {
  if (sink.type !== 'webhook' || sink.headers === undefined) return sink;
  return { ...sink, headers: { ...sink.headers, sealed: reseal(sink.headers.sealed) } };
}

/** The replays of a subscription: they end with it. */
export function replaysOf(
  directory: DirectoryReader,
  { id, tenant_id: tenantId }: Pick<Subscription, 'id' | 'tenant_id'>,
): readonly Subscription[] {
  return directory.subscriptionsOf(tenantId).filter(({ replay }) => replay?.of === id);
}

const isValidAt =
  (now: string) =>
  ({ expires_at: end }: SealedSecret): boolean =>
    end === undefined || Date.parse(end) > Date.parse(now);
