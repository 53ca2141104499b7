import { afterEach, beforeEach } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDocket, type Docket, type DocketOptions, type Failure } from '../src/index.ts';
import {
  type Behaviour,
  type ReceivedRequest,
  type ScriptedGateway,
  startScriptedGateway,
} from './scripted-gateway.ts';

export const actor = { type: 'user', id: 'u_1' };
export const accept: Behaviour = { kind: 'accept' };

/** Gateways and recorders of the test that runs, on a spool of its own; all of it is closed with the test. */
export function createRecorders() {
  const opened: { close(): Promise<unknown> }[] = [];
  let spoolDir = '';

  beforeEach(async () => {
    spoolDir = await mkdtemp(join(tmpdir(), 'docket-sdk-'));
  });

  afterEach(async () => {
    for (const item of opened.splice(0).toReversed()) await item.close();
    await rm(spoolDir, { recursive: true });
  });

  async function gatewayThat(behaviourOf: (index: number, request: ReceivedRequest) => Behaviour) {
    const gateway = await startScriptedGateway(behaviourOf);
    opened.push(gateway);
    return gateway;
  }

  function docketFor(gateway: ScriptedGateway | { url: string }, options: Partial<DocketOptions> = {}) {
    const failures: Failure[] = [];
    const docket = createDocket({
      url: gateway.url,
      key: 'dk_test_secret',
      tenantId: 'acme',
      source: { service: 'test', version: '1', instance: 'one' },
      spool: { dir: spoolDir },
      retry: { baseDelayMs: 5, maxDelayMs: 20 },
      onFailure: (failure) => failures.push(failure),
      ...options,
    });
    opened.push({ close: () => docket.close({ deadlineMs: 1 }) });
    return { docket, failures };
  }

  return { gatewayThat, docketFor };
}

export function recordMany(docket: Docket, count: number) {
  return Promise.all(Array.from({ length: count }, (_, i) => docket.record({ action: `step.n${i}`, actor })));
}
