import type {
  Credential,
  Decide,
  DirectoryReader,
  DirectoryView,
  DirectoryWriter,
  Entity,
  KeyUses,
  MasterKey,
  Scope,
} from '@docket/directory';
import type { Topology } from '@docket/kafka';
import { DocketError, parseBody, readJsonBody, requestIdOf } from '@docket/runtime';
import type { Logger } from '@docket/runtime';
import type { Static, TSchema } from '@sinclair/typebox';
import type { Request, Response } from 'express';

import { identify, requireOneOf } from '../access-policy.ts';
import { requireMatch } from '../entity-tag-policy.ts';
import type { ParkedView } from '../kafka-parked.ts';
import type { AdminMetrics } from '../metrics.ts';
import type { Page } from '../page-policy.ts';

/** What every route of this service works with. */
export interface AdminContext {
  readonly view: DirectoryView;
  readonly keyUses: Pick<KeyUses, 'note'>;
  readonly writer: DirectoryWriter;
  readonly metrics: AdminMetrics;
  readonly logger: Logger;
  readonly masterKey: MasterKey;
  readonly bootstrapToken: string;
  readonly sinkAllowedHosts: readonly string[];
  readonly parked: ParkedView;
  /** Rejects while the topics are not there. */
  topology(): Promise<Topology>;
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
  const nowMs = Date.now();
  const identified = identify(context.view, context.bootstrapToken, req.headers.authorization, nowMs);
  if (!identified.ok) throw new DocketError(identified.code, identified.detail);
  // The bootstrap token is no key.
  const { keyId } = identified.credential;
  if (context.view.key(keyId) !== undefined) context.keyUses.note(keyId, nowMs);
  requireOneOf(identified.credential, scopes);
  return identified.credential;
}

/** Makes one change, counts it and logs it with who did it. Rejects as `DirectoryWriter.change` and as `decide` does. */
export async function changeDirectory<Result extends { readonly id: string }>(
  context: AdminContext,
  res: Response,
  change: {
    readonly kind: 'tenant' | 'key' | 'subscription';
    readonly name: string;
    readonly caller: Credential;
    readonly decide: Decide<Result>;
  },
): Promise<Result> {
  const { kind, name, caller, decide } = change;
  try {
    const result = await context.writer.change(decide);
    context.metrics.changed(kind, 'done');
    context.logger.info({ request_id: requestIdOf(res), by_key: caller.keyId, [`${kind}_id`]: result.id }, name);
    return result;
  } catch (error) {
    const isCallers = error instanceof DocketError && error.entry.audience === 'caller';
    context.metrics.changed(kind, isCallers ? 'refused' : 'failed');
    throw error;
  }
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
