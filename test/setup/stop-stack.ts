import { stackForTests } from './stack-for-tests.ts';

/** Stops the stack if this test run started it; fails the run when a test left a process behind (which is killed). Safe to call twice. */
export default async function stopStackForTests(): Promise<void> {
  const state = stackForTests();
  if (!state.isReady) return;
  state.isReady = false;
  const { killNoted } = await import('@docket/local-stack');
  const leaked = await killNoted(process.env['DOCKET_TEST_PROCESSES'] ?? '');
  await state.started?.stop();
  delete state.started;
  if (leaked.length > 0) throw new Error(`Tests left processes behind: ${leaked.join(', ')}.`);
}
