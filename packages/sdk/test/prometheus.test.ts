import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createDocket } from '../src/index.ts';
import { registerDocketMetrics } from '../src/prometheus.ts';
import { recordingTransport } from '../src/testing.ts';

test('the counts of a recorder can be scraped, and are not counted twice', async () => {
  const register = new Registry();
  const docket = createDocket({
    transport: recordingTransport(),
    source: { service: 's' },
    tenantId: 't',
    spool: false,
    onFailure: () => undefined,
  });
  registerDocketMetrics(docket, { register, prefix: 'app_audit_' });
  await docket.record({ action: 'a', actor: { type: 'user', id: 'u_1' } });
  await docket.record({ action: '', actor: { type: 'user', id: 'u_1' } });
  await docket.flush();
  await register.metrics();
  const lines = (await register.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines).toEqual([
    'app_audit_recorded_total 1',
    'app_audit_accepted_total 1',
    'app_audit_refused_total 0',
    'app_audit_requests_total 1',
    'app_audit_requests_failed_total 0',
    'app_audit_spool_faults_total 0',
    'app_audit_rejected_total{reason="invalid"} 1',
    'app_audit_queued_events 0',
    'app_audit_queued_bytes 0',
    'app_audit_queued_bytes_max 67108864',
    'app_audit_held_events 0',
    'app_audit_queued_in_memory_events 0',
    'app_audit_spool_on_disk 0',
  ]);
  await docket.close();
});
