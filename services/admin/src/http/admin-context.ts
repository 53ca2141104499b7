import type {
  Credential,
  Decide,
  Decided,
  DirectoryReader,
  DirectoryView,
  DirectoryWriter,
  Entity,
  EntityKind,
  KeyUses,
  MasterKey,
  Scope,
} from '@docket/directory';
import type { BesideRecord } from '@docket/kafka';
import { DocketError, noteForLog, parseBody, readJsonBody, receivedFrom, requestIdOf } from '@docket/runtime';
import type { Logger } from '@docket/runtime';
import type { Static, TSchema } from '@sinclair/typebox';
import type { Request, Response } from 'express';

import { identify, requireOneOf } from '../access-policy.ts';
import { eventsOfChange, nameOfChange } from '../change-event-mapper.ts';
import type { ChangeOrigin } from '../change-event-mapper.ts';
import { requireMatch } from '../entity-tag-policy.ts';
import type { ParkedView } from '../kafka-parked.ts';
import type { AdminMetrics } from '../metrics.ts';
import type { EventRecords } from '../event-records.ts';
import type { Page } from '../page-policy.ts';
import type { LogEnd } from '../subscription-policy.ts';

/** What every route of this service works with. */
export interface AdminContext {
  readonly view: DirectoryView;
  readonly keyUses: Pick<KeyUses, 'note'>;
  readonly writer: DirectoryWriter;
  readonly metrics: AdminMetrics;
  readonly eventRecords: EventRecords;
  readonly trustedProxyHops: number;
  readonly logger: Logger;
  readonly masterKey: MasterKey;
  readonly bootstrapToken: string;
  readonly sinkAllowedHosts: readonly string[];
  readonly parked: ParkedView;
  /** Where the log of a tenant ends in Kafka now. Rejects with not_ready, kafka_unavailable. */
  readonly endOfLog: (tenantId: string) => Promise<LogEnd>;
}

/** A key may name 1,000 tenants of 128 characters. */
const bodyBytesMax = 256 * 1024;

/** The request's body as a schema's type. Throws as `readJsonBody` and `parseBody`. */
export async function bodyOf<Schema extends TSchema>(req: Request, schema: Schema): Promise<Static<Schema>> {
  return parseBody(schema, await readJsonBody(req, { bytesMax: bodyBytesMax }));
}

/** Who calls, with one of the scopes. Throws not_caught_up, unauthenticated, insufficient_scope. */
export function callerOf(context: AdminContext, req: Request, scopes: readonly Scope[]): Credential {
  if (!context.view.isCaughtUp()) throw new DocketError('not_caught_up', 'The directory has not been read to its end.');
  const credential = credentialOf(context, context.view, req);
  // The bootstrap token is no key.
  const { keyId } = credential;
  noteForLog(req, { keyId });
  if (context.view.key(keyId) !== undefined) context.keyUses.note(keyId, Date.now());
  requireOneOf(credential, scopes);
  return credential;
}

/** What the request's Authorization is good for now. Throws unauthenticated. */
function credentialOf({ bootstrapToken }: AdminContext, directory: DirectoryReader, req: Request): Credential {
  const identified = identify(directory, bootstrapToken, req.headers.authorization, Date.now());
  if (!identified.ok) throw new DocketError(identified.code, identified.detail);
  return identified.credential;
}

/** A change, and what is written beside it and its events, in the same transaction. */
interface Change<Result> {
  readonly kind: EntityKind;
  readonly caller: Credential;
  readonly decide: Decide<Result>;
  readonly beside?: (decided: Decided<Result>, origin: ChangeOrigin) => readonly BesideRecord[];
}

/**
 * Makes one change, if the caller's key is still good when its turn comes, and tells it: by an event in each log that it is about, written in the change's
 * own transaction, by a line of the log with who did it, and by the metric. Rejects as `DirectoryWriter.change` and as `decide` does.
 */
export async function changeDirectory<Result>(
  context: AdminContext,
  res: Response,
  { kind, caller, decide, beside = () => [] }: Change<Result>,
): Promise<Result> {
  const origin = originOf(context, caller, res);
  const lines: { readonly name: string; readonly ids: object }[] = [];
  const besideChange = (decided: Decided<Result>): BesideRecord[] => [
    ...decided.changes.flatMap((change) => {
      const changed = change.after ?? change.before;
      lines.push({
        name: nameOfChange(change),
        ids: changed === undefined ? {} : { [`${changed.kind}_id`]: changed.id },
      });
      return context.eventRecords.of(eventsOfChange(change, origin));
    }),
    ...beside(decided, origin),
  ];
  const decideIfStillGood: Decide<Result> = (directory) => {
    credentialOf(context, directory, res.req);
    return decide(directory);
  };
  try {
    const result = await context.writer.change(decideIfStillGood, besideChange, ownerOf(caller));
    context.metrics.changed(kind, 'done');
    for (const { name, ids } of lines) {
      context.logger.info({ request_id: origin.requestId, by_key: caller.keyId, ...ids }, name);
    }
    return result;
  } catch (error) {
    const isCallers = error instanceof DocketError && error.entry.audience === 'caller';
    context.metrics.changed(kind, isCallers ? 'refused' : 'failed');
    throw error;
  }
}

/** Who waits for a turn: a tenant, however many keys it has, or whoever looks after several. */
function ownerOf({ keyId, tenants }: Credential): string {
  const [tenant, ...others] = tenants === '*' ? [] : tenants;
  return tenant === undefined || others.length > 0 ? `key ${keyId}` : `tenant ${tenant}`;
}

function originOf({ trustedProxyHops }: AdminContext, caller: Credential, res: Response): ChangeOrigin {
  const { req } = res;
  return {
    caller,
    now: new Date().toISOString(),
    ip: receivedFrom(req.socket.remoteAddress, req.get('x-forwarded-for'), trustedProxyHops),
    userAgent: req.get('user-agent') ?? '',
    requestId: requestIdOf(res),
  };
}

/** The same change, made only if what it changes has an ETag of the request's If-Match, where there is one. Throws also precondition_failed. */
export function ifMatching<Result>(
  req: Request,
  find: (directory: DirectoryReader) => Entity,
  decide: Decide<Result>,
): Decide<Result> {
  const ifMatch = req.get('if-match');
  return (directory) => {
    requireMatch(ifMatch, find(directory));
    return decide(directory);
  };
}

/** The value of a path parameter. */
export function idOf(req: Request): string {
  const { id } = req.params;
  return typeof id === 'string' ? id : '';
}

/** Answers with a page and, where there is one, the link to the next (RFC 8288). */
export function sendPage(req: Request, res: Response, page: Page<unknown>): void {
  if (page.next_cursor !== null) {
    const { pathname, searchParams } = new URL(req.originalUrl, 'http://localhost');
    searchParams.set('cursor', page.next_cursor);
    res.set('Link', `<${pathname}?${searchParams.toString()}>; rel="next"`);
  }
  res.json(page);
}
