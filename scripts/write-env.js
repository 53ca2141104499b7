// Usage: node scripts/write-env.js
// Writes .env with fresh secrets for docker compose. What an existing .env sets is kept as it is; what it lacks is added.
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';

const secrets = {
  DOCKET_MASTER_KEY: randomBytes(32).toString('base64'),
  DOCKET_TOKEN_KEYS: randomBytes(32).toString('base64'),
  DOCKET_BOOTSTRAP_TOKEN: randomBytes(24).toString('hex'),
  DOCKET_MAC_KEYS: randomBytes(32).toString('hex'),
  CLICKHOUSE_PASSWORD: randomBytes(24).toString('hex'),
  CLICKHOUSE_QUERY_PASSWORD: randomBytes(24).toString('hex'),
};
const file = new URL('../.env', import.meta.url);

// Opened for appending from the beginning: nobody's secrets are ever replaced, also by two at once.
appendFileSync(file, '', { mode: 0o600 });
const text = readFileSync(file, 'utf8');
const missing = Object.entries(secrets).filter(([name]) => !new RegExp(`^${name}=`, 'm').test(text));
const lines = missing.map(([name, value]) => `${name}=${value}\n`);
if (lines.length > 0) appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${lines.join('')}`);
const names = missing.map(([name]) => name).join(', ');
process.stdout.write(names === '' ? '.env is there already and was kept\n' : `wrote ${names} to .env\n`);
