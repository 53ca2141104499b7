import { isStrayLog, type AuditEvent } from '@docket/event';
import { DocketError, parseBody, readJsonBody } from '@docket/runtime';
import type { Request } from 'express';
import type { Asker, LogReader } from '../pages/clickhouse-log-reader.ts';
import { redriveEndpoint } from '../endpoints.ts';
import { visibleStatuses } from '../parameters/filter-parameters-mapper.ts';
import type { RedriveAnswer } from '../quarantine/quarantine-answers.ts';
import { redriveOf } from '../quarantine/redrive-policy.ts';
import type { Redriver } from '../quarantine/redriver.ts';
import { limitedAs } from '../gate/reader-policy.ts';
import { operatorOf, tenantOf, type Callers } from './caller.ts';
import { parametersOf, requireValid } from './query-string.ts';
import type { Reader } from './reading-route.ts';

/** As much as POST /v1/events takes for one event, JSON being longer than Avro. */
const bodyBytesMax = 1024 * 1024;

export interface RedrivePorts {
  readonly callers: Callers;
  readonly reader: LogReader;
  readonly redriver: Redriver;
  /** Where a request came from. */
  readonly clientAddress: (req: Request) => string;
}

/**
 * POST /v1/quarantine/{seq}/redrive?tenant_id=LOG: publishes a quarantined record anew, as it is or as the operator corrects
 * it. The row stays; the event is another record. Told in the access trail before it is done.
 */
export function postRedrive({ callers, reader, redriver, clientAddress }: RedrivePorts): Reader {
  return async (req, signal) => {
    const credential = await operatorOf(callers, req, ['events:read', 'events:write']);
    const asker: Asker = { keyId: limitedAs(credential), signal };
    const parameters = parametersOf(req, redriveEndpoint);
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const log = tenantOf(credential, named);
    const { event: given } = parseBody(redriveEndpoint.body, await readJsonBody(req, { bytesMax: bodyBytesMax }));
    const row = await reader.quarantined(log, seqOf(req), asker);
    if (row === undefined)
      throw new DocketError('not_found', 'There is no quarantined record with this seq in this log.');

    const now = await redriver.read(row);
    const ingest = { key_id: credential.keyId, received_from: clientAddress(req) };
    const redrive = redriveOf({ row, readable: now.event, unreadable: now.detail, given, ingest, nowMs: Date.now() });
    if (!redrive.ok) {
      const errors = redrive.errors.map(({ pointer, detail }) => ({ pointer: `/event${pointer}`, detail }));
      throw new DocketError('invalid_event', 'The record can not be redriven like this.', { errors });
    }
    const { event, body, ids } = redrive;
    const storedId = await storedIdOf(reader, event, ids, asker);
    const isStored = storedId !== null;
    const id = storedId ?? event.id;
    const isToldWhere = isStrayLog(log) || event.tenant_id === log;
    const reading = {
      credential,
      log,
      question: `${row.seq} ${event.tenant_id} ${id} ${isStored ? 'stored' : ''}`,
      // I5: a tenant reads this; where else its record went is another tenant's affair. Readings of stray logs are the operators'.
      asked: {
        record: String(row.seq),
        to: isToldWhere ? event.tenant_id : 'another log',
        corrected: given === undefined ? 'no' : 'yes',
      },
      eventId: isToldWhere ? id : null,
      results: isStored ? 0 : 1,
    };
    const answer: RedriveAnswer = {
      id,
      tenant_id: event.tenant_id,
      status: isStored ? 'already_stored' : 'published',
    };
    if (isStored) return { reading, body: answer };
    return {
      reading,
      stream: async (res) => {
        await redriver.publish(event.tenant_id, body);
        res.json(answer);
      },
    };
  };
}

function seqOf(req: Request): number {
  const { seq } = req.params;
  const value = typeof seq === 'string' && /^\d{1,16}$/.test(seq) ? Number(seq) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new DocketError('not_found', 'A seq is a whole number.');
}

/** Beyond the idempotency window Kafka's second record would not be a duplicate any more; the index remembers all. */
async function storedIdOf(
  reader: LogReader,
  { tenant_id: tenantId }: AuditEvent,
  ids: readonly string[],
  asker: Asker,
): Promise<string | null> {
  const scope = { tenantId, statuses: visibleStatuses(false), own: null };
  for (const id of ids) {
    if ((await reader.event(scope, id, asker)).length > 0) return id;
  }
  return null;
}
