import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { codeBlocks } from '../../../test/docs/code-blocks-mapper.ts';
import { docketMatchers, recordingDocket, type ExpectedEvent } from '../src/testing.ts';

expect.extend(docketMatchers);
declare module 'expect' {
  interface Matchers<R> {
    toHaveRecorded(expected: ExpectedEvent): R;
    toHaveRecordedTimes(times: number, expected?: ExpectedEvent): R;
  }
}

const actor = { type: 'user', id: 'u_1' };

describe('recordingDocket', () => {
  test('what was recorded is there as soon as record has resolved', async () => {
    const { docket, recorded } = recordingDocket({ tenantId: 'acme' });
    const { id } = await docket.record({
      action: 'document.deleted',
      actor,
      resources: [{ type: 'document', id: 'd_1' }],
    });
    expect(recorded.events).toMatchObject([{ id, tenant_id: 'acme', source: { service: 'test', counter: 1 } }]);
    recorded.clear();
    expect(recorded).toHaveRecordedTimes(0);
    await docket.close();
  });

  test('is strict', async () => {
    const { docket } = recordingDocket();
    await expect(docket.record({ action: 'a', actor })).rejects.toThrow('tenant_id is missing');
  });
});

describe('matchers', () => {
  test('are declared in the README as they are in this file, which the compiler checks', async () => {
    const [readme, here] = await Promise.all(
      ['../README.md', './testing.test.ts'].map((path) => readFile(new URL(path, import.meta.url), 'utf8')),
    );
    const [example] = codeBlocks(readme ?? '', 'ts').filter((block) => block.includes('toHaveRecorded'));
    const declaration = /^declare module 'expect' \{\n[\s\S]*?^\}\n/m.exec(here ?? '')?.[0] ?? 'none';
    expect(example).toContain(declaration);
  });

  test('find events by any of their fields, nested and asymmetric ones too', async () => {
    const { docket, recorded } = recordingDocket({ tenantId: 'acme' });
    await docket.record({ action: 'document.deleted', actor, resources: [{ type: 'document', id: 'd_1' }] });
    await docket.record({ action: 'document.deleted', actor, resources: [{ type: 'document', id: 'd_2' }] });
    expect(recorded).toHaveRecorded({ action: 'document.deleted', resources: [{ id: 'd_2' }] });
    expect(recorded).toHaveRecorded({ action: expect.stringContaining('deleted'), actor: { id: 'u_1' } });
    expect(recorded).not.toHaveRecorded({ action: 'document.deleted', resources: [{ id: 'd_3' }] });
    expect(recorded).toHaveRecordedTimes(2, { action: 'document.deleted' });
    expect(recorded).not.toHaveRecordedTimes(1, { action: 'document.deleted' });
    expect(recorded).toHaveRecordedTimes(2);
  });

  test('fail with what was recorded, and say when they are given something else', async () => {
    const { docket, recorded } = recordingDocket({ tenantId: 'acme' });
    await docket.record({ action: 'document.deleted', actor });
    expect(() => expect(recorded).toHaveRecorded({ action: 'document.read' })).toThrow(
      /there are 0.*document\.deleted/s,
    );
    expect(() => expect([]).toHaveRecorded({ action: 'document.read' })).toThrow(TypeError);
  });
});
