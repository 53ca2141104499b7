import { stackForTests } from './stack-for-tests.ts';

/** Stops the stack if this test run started it. Safe to call twice. */
export default async function stopStackForTests(): Promise<void> {
  const state = stackForTests();
  await state.started?.stop();
  delete state.started;
  state.isReady = false;
}
