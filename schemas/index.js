import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const readJson = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const readAvro = (name) => readJson(`./avro/${name}.avsc`);
/** Read when it is first asked for. */
const openApi = (name) => {
  let document;
  return () => (document ??= readJson(`./openapi/${name}.json`));
};

export const auditEventAvro = readAvro('audit-event');
export const deliveryAttemptAvro = readAvro('delivery-attempt');
export const clickhouseMigrationsDirectory = fileURLToPath(new URL('./clickhouse/', import.meta.url));
export const openApiDocuments = {
  gateway: openApi('gateway'),
  query: openApi('query'),
  admin: openApi('admin'),
  delivery: openApi('delivery'),
};
