import { execFileSync, spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { newEventId } from '@docket/event';
import { createLogger } from '@docket/runtime';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  openTrailSpool,
  SpoolFullError,
  SpoolShareError,
  type SpoolSettings,
  type TrailSpool,
} from '../../src/trail/trail-spool.ts';
import { stateOfOwner } from '../../src/trail/spool-owner.ts';
import type { TrailEntry } from '../../src/trail/trail-entry.ts';
import { trailEntry } from './trail-entry-maker.ts';

const logger = createLogger({ service: 'query-test', level: 'silent' });
let dir: string;
let opened: TrailSpool[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'docket-spool-'));
});
afterEach(async () => {
  for (const spool of opened) await spool.close();
  opened = [];
  await rm(dir, { recursive: true, force: true });
});

async function open(settings: Partial<SpoolSettings> = {}): Promise<TrailSpool> {
  const spool = await openTrailSpool({ dir, bytesMax: 1_000_000, isDurable: false, ...settings }, logger);
  opened.push(spool);
  return spool;
}

const reading = (fingerprint: string, named: Partial<TrailEntry> = {}) => ({
  id: newEventId(),
  fingerprint,
  atMs: 1_000,
  openedAfterMs: 700,
  entry: trailEntry(named),
});
/** As somebody else, in another log. */
const of = (who: number): Partial<TrailEntry> => ({ log: `log-${who}`, credential: { key_id: `k_${who}` } });

const contentsOf = ({ windows }: TrailSpool) =>
  [...windows.byId.values()].map(({ fingerprint, repeats, isTold }) => [fingerprint, repeats, isTold]);

/** Makes the spool of this process look as that of one that was killed. */
async function asIfKilled(): Promise<void> {
  const [name = ''] = (await readdir(dir)).filter((one) => stateOfOwner(one) === 'alive');
  const dead = Number(execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }));
  await rename(join(dir, name), join(dir, `${name.split('_')[0]}_${dead}_000000000000_0`));
}

describe.each([false, true])('the spool (durable: %s)', (isDurable) => {
  test('what was kept is there after the process was killed, repeats and all', async () => {
    const spool = await open({ isDurable });
    await Promise.all([reading('a'), reading('a'), reading('b'), reading('a')].map((one) => spool.keep(one)));
    const [told] = [...spool.windows.byId.keys()];
    await spool.note([['told', told ?? '']]);
    await asIfKilled();
    expect(contentsOf(await open({ isDurable }))).toEqual([
      ['a', 2, true],
      ['b', 0, false],
    ]);
    expect(await readdir(dir)).toHaveLength(1);
  });
});

describe('the spool', () => {
  test('a line that a crash has torn is cut off, and what comes after it can be read', async () => {
    const spool = await open();
    await spool.keep(reading('a'));
    const [name = ''] = await readdir(dir);
    await appendFile(join(dir, name, 'trail'), '["opened","0199');
    await asIfKilled();
    const next = await open();
    await next.keep(reading('b'));
    await asIfKilled();
    expect(contentsOf(await open())).toEqual([
      ['a', 0, false],
      ['b', 0, false],
    ]);
  });

  test('takes readings up to its limit and not beyond, and forgets what it refuses', async () => {
    const spool = await open({ bytesMax: 16 * 1024 });
    const outcomes: unknown[] = [];
    for (let n = 0; n < 200; n += 1)
      outcomes.push(await spool.keep(reading(`f${n}`, of(n))).catch((error: unknown) => error));
    const kept = outcomes.indexOf(outcomes.find((outcome) => outcome !== undefined));
    expect(outcomes.slice(kept).every((outcome) => outcome instanceof SpoolFullError)).toBe(true);
    expect(kept).toBeGreaterThan(10);
    expect(spool.bytes()).toBeLessThanOrEqual(16 * 1024);
    expect(spool.windows.byId.size).toBe(kept);
    await spool.note([...spool.windows.byId.keys()].map((id) => ['done', id] as const));
    await spool.keep(reading('again'));
    expect(contentsOf(spool)).toEqual([['again', 0, false]]);
  });

  test('I7: of one that fills it half is taken, also after a crash, and what is read at once counts', async () => {
    const spool = await open({ bytesMax: 64 * 1024 });
    const keepMany = (into: TrailSpool, who: number, count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, n) =>
          into.keep(reading(`f${who} ${n}`, of(who))).catch((error: unknown) => error),
        ),
      );
    const outcomes = await keepMany(spool, 0, 200);
    expect(outcomes.filter((outcome) => outcome instanceof SpoolShareError).length).toBeGreaterThan(50);
    expect(spool.bytes()).toBeLessThan(32 * 1024);
    await asIfKilled();
    const next = await open({ bytesMax: 64 * 1024 });
    await expect(next.keep(reading('another', of(0)))).rejects.toThrow(SpoolShareError);
    expect((await keepMany(next, 1, 20)).filter((outcome) => outcome !== undefined)).toEqual([]);
  });

  test('keeps no text of what was told: questions of any number take little room, and their repeats are counted', async () => {
    const spool = await open({ bytesMax: 256 * 1024 });
    const asked = { search: 'x'.repeat(30_000) };
    for (let n = 0; n < 100; n += 1) {
      await spool.keep(reading(`f${n}`, { asked }));
      const id = [...spool.windows.byId.keys()].at(-1) ?? '';
      await spool.note([['told', id]]);
    }
    await spool.keep(reading('f0', { asked }));
    expect(spool.windows.byId.size).toBe(100);
    expect(JSON.stringify([...spool.windows.byId.values()])).not.toContain('xxx');
    await asIfKilled();
    const next = await open({ bytesMax: 256 * 1024 });
    expect(contentsOf(next)[0]).toEqual(['f0', 1, true]);
    // All is done: there is room again, however full the file was.
    await next.note([...next.windows.byId.keys()].map((id) => ['done', id] as const));
    for (let n = 0; n < 3; n += 1) await next.keep(reading(`g${n}`, { asked }));
  });

  test('stays small however often the same is read', async () => {
    const spool = await open({ bytesMax: 32 * 1024 });
    for (let n = 0; n < 2_000; n += 1) await spool.keep(reading('a'));
    expect(contentsOf(spool)).toEqual([['a', 1_999, false]]);
    expect(spool.bytes()).toBeLessThan(32 * 1024);
    await asIfKilled();
    expect(contentsOf(await open())).toEqual([['a', 1_999, false]]);
  });

  test('that is empty leaves no folder behind', async () => {
    const spool = await open();
    await spool.keep(reading('a'));
    await spool.note([['done', [...spool.windows.byId.keys()][0] ?? '']]);
    opened = [];
    await spool.close();
    expect(await readdir(dir)).toEqual([]);
  });

  test('of a living process, or of another host, is left alone', async () => {
    const child = spawn('sleep', ['60']);
    try {
      const living = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
      const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
      const { createHash } = await import('node:crypto');
      const born = createHash('sha256')
        .update(`${living}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`)
        .digest('hex')
        .slice(0, 12);
      const host = hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-');
      for (const name of [`${host}_${child.pid}_${born}_0`, 'elsewhere.example_1_000000000000_0', 'lost+found'])
        await mkdir(join(dir, name));
      await open();
      expect(await readdir(dir)).toHaveLength(4);
    } finally {
      child.kill();
    }
  });
});
