import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const outputBytesMax = 10 * 1024 * 1024;

/**
 * Compiles to dist/ what the tests start as processes; without changes it takes a second. Rejects with the compiler's own lines.
 * @param project path of one project below the root; all of them when left out.
 */
export async function compile(project?: string): Promise<void> {
  const compiler = createRequire(import.meta.url)
    .resolve('typescript/package.json')
    .replace('package.json', 'bin/tsc');
  const args = [compiler, '-b', ...(project === undefined ? [] : [project])];
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, args, { cwd: root, maxBuffer: outputBytesMax }, (error, stdout) => {
      if (error === null) resolve();
      else reject(new Error(`The tests start compiled services, and compiling failed (npm run build):\n${stdout}`));
    });
  });
}
