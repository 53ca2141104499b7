import { compile } from './compile.ts';
import startStackForTests from './start-stack.ts';

/** For tests that start services: also compiles all of them first. */
export default async function buildAndStartStack(): Promise<void> {
  await compile();
  await startStackForTests();
}
