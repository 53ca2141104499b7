/**
 * An application that records through the SDK, to be killed. It appends the id of each event to IDS_FILE as soon as `record` has confirmed it,
 * at most RATE a second, until it is asked to stop (SIGTERM) or has recorded EVENTS; then it closes, at most for CLOSE_MS.
 */
import { createDocket } from '@docket/sdk';
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { recordingTenants } from './recording-tenants.ts';

const setting = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`set ${name}`);
  return value;
};

/** Events that are recorded together; as many can be on their way when the process is killed. */
const together = 50;

const docket = createDocket({
  url: setting('DOCKET_URL'),
  key: setting('DOCKET_KEY'),
  source: { service: 'recording-app', instance: setting('NAME') },
  spool: { dir: setting('SPOOL_DIR'), adoptIntervalMs: 1_000 },
  memory: { eventsMax: Number(setting('MEMORY_EVENTS')) },
  retry: { baseDelayMs: 50, maxDelayMs: 1_000 },
  onFailure: ({ reason, detail }) => void process.stdout.write(`${reason}: ${detail}\n`),
});
const file = setting('IDS_FILE');
const rate = Number(setting('RATE'));
const eventsMax = Number(setting('EVENTS'));
const stopping = new AbortController();
process.on('SIGTERM', () => stopping.abort());

const beganAtMs = performance.now();
const kept = { disk: 0, memory: 0 };
for (let from = 0; from < eventsMax && !stopping.signal.aborted; from += together) {
  const events = Array.from({ length: together }, (_, index) => {
    const n = from + index;
    return {
      tenant_id: recordingTenants[n % recordingTenants.length] ?? '',
      action: 'document.updated',
      actor: { type: 'user', id: `u_${n % 1000}`, name: 'Jane Doe' },
      resources: [{ type: 'document', id: `d_${n % 5000}`, name: 'Quarterly numbers' }],
      metadata: { n },
    };
  });
  const outcomes = await Promise.all(events.map((event) => docket.record(event)));
  const ids = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.id] : []));
  for (const outcome of outcomes) if (outcome.ok) kept[outcome.kept] += 1;
  appendFileSync(file, ids.map((id) => `${id}\n`).join(''));
  const aheadMs = ((from + together) / rate) * 1000 - (performance.now() - beganAtMs);
  if (aheadMs > 0) await pause(aheadMs);
}
process.stdout.write(`recorded ${JSON.stringify(kept)}\n`);
const closed = await docket.close({ deadlineMs: Number(setting('CLOSE_MS')) });
process.stdout.write(`closed ${JSON.stringify({ ...closed, ...docket.stats() })}\n`);
