// Usage: node scripts/write-env.js
// Writes .env with fresh secrets for docker compose; an existing .env is kept as it is.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const secrets = {
  DOCKET_MASTER_KEY: randomBytes(32).toString('base64'),
  DOCKET_BOOTSTRAP_TOKEN: randomBytes(24).toString('hex'),
  CLICKHOUSE_PASSWORD: randomBytes(24).toString('hex'),
};
const lines = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`);

try {
  // wx: two at once cannot both write, and nobody's secrets are ever replaced.
  writeFileSync(new URL('../.env', import.meta.url), lines.join(''), { mode: 0o600, flag: 'wx' });
  process.stdout.write(`wrote .env with ${Object.keys(secrets).join(', ')}\n`);
} catch (error) {
  if (error.code !== 'EEXIST') throw error;
  process.stdout.write('.env is there already and was kept\n');
}
