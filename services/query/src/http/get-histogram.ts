import { printSearch, timeRangeOf } from '@docket/event';
import type { LogReader } from '../pages/clickhouse-log-reader.ts';
import { getHistogramEndpoint } from '../endpoints.ts';
import {
  groupFields,
  histogramAnswer,
  planHistogram,
  rangeOfPlan,
  type GroupField,
  type HistogramPlan,
} from '../counts/histogram-mapper.ts';
import type { RequestParameters } from '../parameters/request-parameters-mapper.ts';
import { limitedAs } from '../gate/reader-policy.ts';
import { askedSearch } from './asked-search.ts';
import { anyReaderOf, type Callers } from './caller.ts';
import { invalidParameters, parametersOf } from './query-string.ts';
import type { Reader } from './reading-route.ts';

interface HistogramPorts {
  readonly callers: Callers;
  readonly reader: LogReader;
  readonly rangeDaysMax: number;
}

/** GET /v1/events/histogram?interval&by and the filters of GET /v1/events: see HistogramAnswer. */
export function getHistogram({ callers, reader, rangeDaysMax }: HistogramPorts): Reader {
  return async (req, signal) => {
    const credential = await anyReaderOf(callers, req);
    const asker = { keyId: limitedAs(credential), signal };
    const parameters = parametersOf(req, getHistogramEndpoint);
    const by = groupFieldOf(parameters);
    const interval = parameters.one('interval');
    const nowMicros = Date.now() * 1_000;
    let plan: HistogramPlan | undefined;
    const { search, question } = askedSearch({ credential, parameters, rangeDaysMax, nowMicros }, (asked) => {
      const planned = planHistogram(timeRangeOf(asked), interval, nowMicros);
      if (!planned.ok) {
        parameters.fail(planned.parameter, planned.detail);
        return asked;
      }
      plan = planned.plan;
      return { kind: 'and', terms: [asked, rangeOfPlan(plan)] };
    });
    if (plan === undefined) throw invalidParameters(parameters);

    const rows = await reader.histogram({ search, plan, by }, asker);
    const body = histogramAnswer(plan, rows, by !== null);
    const reading = {
      credential,
      log: search.tenantId,
      question: `histogram ${plan.interval} ${by ?? ''} ${question}`,
      asked: { search: printSearch(search.search), interval: plan.interval, by: by ?? '' },
      eventId: null,
      results: body.total,
    };
    return { reading, body };
  };
}

function groupFieldOf(parameters: RequestParameters): GroupField | null {
  const name = parameters.one('by');
  if (name === undefined) return null;
  const field = groupFields.find((known) => known === name) ?? null;
  if (field === null) parameters.fail('by', `is one of ${groupFields.join(', ')}`);
  return field;
}
