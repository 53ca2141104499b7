import { timeRangeOf } from '@docket/event';
import type { RequestHandler } from 'express';
import type { LogReader } from '../clickhouse-log-reader.ts';
import { filterParameters, isMetadataParameter } from '../filter-parameters-mapper.ts';
import {
  groupFields,
  histogramAnswer,
  planHistogram,
  rangeOfPlan,
  type GroupField,
  type HistogramPlan,
} from '../histogram-mapper.ts';
import { requestParameters, type RequestParameters } from '../request-parameters-mapper.ts';
import { askedSearch } from './asked-search.ts';
import { readerOf, type KeyDirectory } from './caller.ts';
import { forCaller } from './for-caller.ts';
import { requireValid, searchOf } from './query-string.ts';

interface HistogramPorts {
  readonly directory: KeyDirectory;
  readonly reader: LogReader;
  readonly rangeDaysMax: number;
}

/** GET /v1/events/histogram?interval&by and the filters of GET /v1/events: see HistogramAnswer. */
export function getHistogram({ directory, reader, rangeDaysMax }: HistogramPorts): RequestHandler {
  return forCaller(async (req, res, signal) => {
    const credential = readerOf(directory, req);
    const known = ['tenant_id', ...filterParameters, 'interval', 'by'];
    const parameters = requestParameters(searchOf(req), known, isMetadataParameter);
    const by = groupFieldOf(parameters);
    const interval = parameters.one('interval');
    const nowMicros = Date.now() * 1_000;
    let plan: HistogramPlan | undefined;
    const search = askedSearch({ credential, parameters, rangeDaysMax, nowMicros }, (asked) => {
      const planned = planHistogram(timeRangeOf(asked), interval, nowMicros);
      if (!planned.ok) {
        parameters.fail(planned.parameter, planned.detail);
        return asked;
      }
      plan = planned.plan;
      return { kind: 'and', terms: [asked, rangeOfPlan(plan)] };
    });
    if (plan === undefined) return requireValid(parameters);

    const rows = await reader.histogram({ search, plan, by }, signal);
    res.set('Cache-Control', 'no-store').json(histogramAnswer(plan, rows, by !== null));
  });
}

function groupFieldOf(parameters: RequestParameters): GroupField | null {
  const name = parameters.one('by');
  if (name === undefined) return null;
  const field = groupFields.find((known) => known === name) ?? null;
  if (field === null) parameters.fail('by', `is one of ${groupFields.join(', ')}`);
  return field;
}
