import { Type } from '@sinclair/typebox';

import { closedObject, defineEndpoint, jsonAnswer } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';

const tag = 'operation';
const access = 'public';

export const getLiveness = defineEndpoint({
  method: 'get',
  path: '/healthz',
  name: 'getLiveness',
  tag,
  access,
  summary: 'Whether the process answers',
  answers: { 200: jsonAnswer('It does.', closedObject({ status: Type.Literal('alive') })) },
});

const check = closedObject({
  ok: Type.Boolean(),
  detail: Type.Optional(Type.String({ description: 'What is missing and since when.' })),
});

const readiness = closedObject(
  { status: Type.Union([Type.Literal('ready'), Type.Literal('not_ready')]), checks: Type.Record(Type.String(), check) },
  { $id: 'Readiness' },
);

export const getReadiness = defineEndpoint({
  method: 'get',
  path: '/readyz',
  name: 'getReadiness',
  tag,
  access,
  summary: 'Whether the service does its work now, and what is missing',
  answers: { 200: jsonAnswer('It does.', readiness), 503: jsonAnswer('It does not.', readiness) },
});

export const getMetrics = defineEndpoint({
  method: 'get',
  path: '/metrics',
  name: 'getMetrics',
  tag,
  access,
  summary: 'Metrics in the Prometheus format',
  answers: { 200: { description: 'The metrics.', content: { 'text/plain': Type.String() } } },
});

/** What every service answers beside its own endpoints. */
export const probeEndpoints: readonly Endpoint[] = [getLiveness, getReadiness, getMetrics];
