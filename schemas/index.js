import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const readAvro = (name) => JSON.parse(readFileSync(new URL(`./avro/${name}.avsc`, import.meta.url), 'utf8'));

export const auditEventAvro = readAvro('audit-event');
export const deliveryAttemptAvro = readAvro('delivery-attempt');
export const clickhouseMigrationsDirectory = fileURLToPath(new URL('./clickhouse/', import.meta.url));
