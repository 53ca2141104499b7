import { expect, test } from '@jest/globals';
import { createWorld } from '@docket/testkit';
import { startInstallation } from '../src/installation.ts';
import { createReport } from '../src/report.ts';
import { checkAll } from '../src/smoke.ts';

test('what make smoke asserts holds, on the stack of the tests', async () => {
  const lines: string[] = [];
  const report = createReport((text) => lines.push(text));
  const world = await createWorld();
  const installation = await startInstallation({ stackEnv: world.env, report: report.say });
  try {
    await checkAll(installation, report);
  } finally {
    await installation.stop();
    await world.close();
  }
  // The lines name what failed and why.
  expect({ failures: report.failures(), lines: report.failures().length === 0 ? [] : lines }).toEqual({
    failures: [],
    lines: [],
  });
}, 600_000);
