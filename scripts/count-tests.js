// Usage: node scripts/count-tests.js <exit of make test> <exit of make lint> <jest result file>…
// Ends with the line `N passed, N failed`; exits 1 on any failure, on a missing result file and on zero tests.
import { readFileSync } from 'node:fs';

const [testsExit, lintExit, ...files] = process.argv.slice(2);

let passed = 0;
let failed = 0;
for (const file of files) {
  const result = read(file);
  passed += result.numPassedTests;
  // A suite that cannot be loaded has no failed test of its own, and is a failure all the same.
  failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
}
if (lintExit !== '0') {
  say('lint failed');
  failed += 1;
}
// A run that ended badly without naming a test: a crash, a global set-up that failed, a missing result.
if (testsExit !== '0' && failed === 0) {
  say('make test failed');
  failed += 1;
}
if (passed === 0 && failed === 0) {
  say('no test passed');
  failed += 1;
}

say(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    say(`no test results in ${file}: ${error.message}`);
    return { numPassedTests: 0, numFailedTests: 1, numRuntimeErrorTestSuites: 0 };
  }
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
