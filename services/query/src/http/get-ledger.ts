import { timeRangeOf } from '@docket/event';
import type { LogReader } from '../pages/clickhouse-log-reader.ts';
import { searchOfParameters, visibleStatuses } from '../parameters/filter-parameters-mapper.ts';
import { planHistogram } from '../counts/histogram-mapper.ts';
import { ledgerEndpoint } from '../ledger/ledger-endpoint.ts';
import { ledgerAnswer } from '../ledger/ledger-mapper.ts';
import { limitedAs } from '../gate/reader-policy.ts';
import { isOperator, readerOf, tenantOf, type Callers } from './caller.ts';
import { invalidParameters, parametersOf, requireValid } from './query-string.ts';
import type { Reader } from './reading-route.ts';

interface LedgerPorts {
  readonly callers: Callers;
  readonly reader: LogReader;
  readonly rangeDaysMax: number;
}

/** GET /v1/ledger?since&until&bucket: what was received in each bucket, by status, with seqs and a digest; see LedgerAnswer. */
export function getLedger({ callers, reader, rangeDaysMax }: LedgerPorts): Reader {
  return async (req, signal) => {
    const credential = await readerOf(callers, req);
    const parameters = parametersOf(req, ledgerEndpoint);
    const nowMicros = Date.now() * 1_000;
    const statuses = visibleStatuses(isOperator(credential));
    const range = timeRangeOf(searchOfParameters(parameters, { statuses, rangeDaysMax, nowMicros }));
    const width = parameters.one('bucket');
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const planned = planHistogram(range, width, nowMicros);
    if (!planned.ok) {
      parameters.fail(planned.parameter === 'interval' ? 'bucket' : planned.parameter, planned.detail);
      throw invalidParameters(parameters);
    }
    const { plan } = planned;
    const tenantId = tenantOf(credential, named);
    const asker = { keyId: limitedAs(credential), signal };

    const { firstSeq, headSeq, atMs } = await reader.bounds(tenantId, asker);
    const asOf = new Date(atMs).toISOString();
    const { rows, hasLater } = await reader.ledger({ tenantId, plan, throughSeq: headSeq }, asker);
    const body = ledgerAnswer(plan, rows, { firstSeq, headSeq, asOf, hasLater });
    const reading = {
      credential,
      log: tenantId,
      question: `${plan.interval} ${parameters.one('since') ?? ''} ${parameters.one('until') ?? ''}`,
      asked: { since: body.since, until: body.until, bucket: body.bucket },
      eventId: null,
      results: plan.buckets,
    };
    return { reading, body };
  };
}
