import type { Stack } from '@docket/local-stack';

/** The stack that this test run started itself; undefined while it uses one that was there before. */
interface StackForTests {
  isReady: boolean;
  started?: Stack;
}

declare global {
  // Set-up and teardown are separate modules of one process; contract and system tests of one run share the stack.
  var docketStackForTests: StackForTests | undefined;
}

export function stackForTests(): StackForTests {
  globalThis.docketStackForTests ??= { isReady: false };
  return globalThis.docketStackForTests;
}
