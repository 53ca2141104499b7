import { eventBytesMax, type EventField, type EventList, type SearchFieldDeclaration } from '@docket/event';
import type { ErrorEntry, SettingRow } from '@docket/runtime';

/** docs/event.md: every field of the event. */
export function eventDocument(fields: readonly EventField[], lists: readonly EventList[]): string {
  const shownRequired = { always: 'yes', within: 'in each', never: '' };
  const lines = fields.flatMap(({ path, type, required, limits, description, column }, at) => {
    const limit = limits === '' ? '' : `\`${limits}\``;
    const row = tableRow([`\`${path}\``, type, shownRequired[required], limit, description, `\`${column}\``]);
    const list = lists.find((one) => path.startsWith(`${one.path}[]`));
    if (list === undefined || (fields[at - 1]?.path.startsWith(`${list.path}[]`) ?? false)) return [row];
    return [tableRow([`\`${list.path}\``, 'list', '', `\`≤ ${list.itemsMax}\``, list.description, '']), row];
  });
  return document('The event', [
    'The fields of one audit event: on the wire (JSON), in Avro (the same names, schemas/avro/audit-event.avsc) and in',
    'ClickHouse. A field that is not here is invalid; nothing is ever cut. `in each`: required where what holds it is there.',
    `An event has at most ${eventBytesMax / 1024} KiB as Avro.`,
    '',
    tableHead(['field', 'type', 'required', 'limits', 'meaning', 'column']),
    ...lines,
  ]);
}

/** docs/settings.md: one table of what all services share, then one for each service with what is its own. */
export function settingsDocument(services: Readonly<Record<string, readonly SettingRow[]>>): string {
  const uses = new Map<string, { row: SettingRow; services: string[]; defaults: Set<string> }>();
  for (const [service, rows] of Object.entries(services)) {
    for (const row of rows) {
      const use = uses.get(row.env) ?? { row, services: [], defaults: new Set<string>() };
      use.services.push(service);
      use.defaults.add(row.default);
      uses.set(row.env, use);
    }
  }
  const lines = [...uses.values()]
    .toSorted((a, b) => (a.row.env < b.row.env ? -1 : 1))
    .map(({ row, services: users, defaults }) =>
      tableRow([
        `\`${row.env}\``,
        shownDefault(row, [...defaults]),
        row.accepts,
        row.secret ? `${sentence(row.description)} Secret.` : sentence(row.description),
        users.length === Object.keys(services).length ? 'all' : users.join(', '),
      ]),
    );
  return document('Settings', [
    'Every setting is an environment variable. A process reads all of its settings at the start and names every wrong one at',
    'once. An empty variable counts as not set. `required` means that there is no default. In which order to change secrets:',
    '[operations.md](operations.md#changing-secrets).',
    '',
    tableHead(['variable', 'default', 'accepts', 'meaning', 'read by']),
    ...lines,
  ]);
}

/** docs/errors.md: the catalogue, by status. */
export function errorsDocument(catalogue: Readonly<Record<string, ErrorEntry>>): string {
  const lines = Object.entries(catalogue).map(([code, entry]) =>
    tableRow([`\`${code}\``, String(entry.httpStatus), entry.audience, entry.retry, entry.title, entry.help]),
  );
  return document('Errors', [
    'An error is answered as RFC 9457 problem+json with a `code` of this table; what is wrong in the request stands in',
    '`errors`. `who acts`: the caller, the operator of the installation, or the makers of Docket (a bug). `retry` later means',
    'that the same request may succeed unchanged, after the time in Retry-After.',
    '',
    tableHead(['code', 'status', 'who acts', 'retry', 'title', 'what to do']),
    ...lines,
  ]);
}

export interface MetricRow {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** docs/metrics.md: what each service's /metrics has of its own. */
export function metricsDocument(rows: readonly MetricRow[]): string {
  const lines = rows
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, type, labels, help }) =>
      tableRow([`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), sentence(help)]),
    );
  return document('Metrics', [
    'Each service has its own and the docket_http ones at /metrics, in the Prometheus format, beside the process metrics of',
    'prom-client. The unit is the end of the name. Labels have bounded values: never a tenant, a URL or a message.',
    '',
    tableHead(['metric', 'type', 'labels', 'meaning']),
    ...lines,
  ]);
}

const howCompared: Readonly<Record<SearchFieldDeclaration['kind'], string>> = {
  text: 'a value, or its beginning',
  action: 'a dotted name, or its beginning',
  choice: '',
  scale: '',
  list: 'a value, or its beginning',
  resource: '`type:id`, or its beginning',
  address: 'an address or a CIDR block',
  bound: 'a time',
  time: 'a time, a comparison or a range',
  seq: 'a number, a comparison or a range',
};

/** docs/query-language.md: its table of fields, in place of the one that is there. */
export function withFieldTable(
  text: string,
  fields: readonly (SearchFieldDeclaration & { readonly name: string })[],
): string {
  const lines = fields.map(({ name, kind, aliases = [], choices, meaning, example, isOnlyInQ }) => {
    const values = choices === undefined ? howCompared[kind] : choices.map((choice) => `\`${choice}\``).join(', ');
    const names = [name, ...aliases].map((each) => `\`${each}\``).join(', ');
    const order = kind === 'scale' ? `${values}, or a comparison` : values;
    return tableRow([names, meaning, order, `\`${example}\``, isOnlyInQ === true ? 'q' : 'q, parameter']);
  });
  const metadata = ['`metadata.KEY`', 'A value of the metadata.', 'a value, or its beginning', '`metadata.plan:pro`'];
  return withTable(text, [
    tableHead(['field', 'meaning', 'values', 'example', 'where']),
    ...lines,
    tableRow([...metadata, 'q, parameter']),
  ]);
}

/** What the tables say of a JSON Schema. */
export interface SchemaShown {
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaShown[] | undefined;
  readonly type?: string | undefined;
  readonly properties?: Readonly<Record<string, SchemaShown>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly maxItems?: number | undefined;
  readonly default?: unknown;
  readonly description?: string | undefined;
}

/** docs/delivery.md: the table of what a new subscription may say, in place of the one that is there. */
export function withBodyTable(text: string, body: SchemaShown): string {
  const rows = bodyRows(body, '');
  return withTable(text, [tableHead(['field', 'accepts', 'default', 'meaning']), ...rows]);
}

/** Objects that are nothing but objects are gone through. */
function bodyRows({ properties = {}, required = [] }: SchemaShown, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = `${prefix}${name}`;
    if (schema.type === 'object') return bodyRows(schema, `${path}.`);
    const absent = schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
    const byDefault = required.includes(name) ? 'required' : absent;
    return [tableRow([`\`${path}\``, acceptedBy(schema), byDefault, schema.description ?? ''])];
  });
}

function acceptedBy(schema: SchemaShown): string {
  const { anyOf, type, properties, minimum, maximum, minLength, maxLength, maxItems } = schema;
  if (anyOf !== undefined) return anyOf.map(acceptedBy).join(', ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (properties !== undefined) {
    const kind = properties['type']?.const;
    const members =
      kind === undefined ? Object.keys(properties).map((name) => `"${name}": …`) : [`"type": ${JSON.stringify(kind)}`];
    return `\`{${members.join(', ')}}\``;
  }
  if (type === 'integer') return `${minimum}..${maximum}`;
  if (maxItems !== undefined) return `a list of at most ${maxItems}`;
  return maxLength === undefined ? 'a text' : `a text of ${minLength ?? 0}..${maxLength} characters`;
}

/** Puts a table where the text says that one is generated. */
function withTable(text: string, lines: readonly string[]): string {
  return text.replace(
    /(<!-- fields: [^\n]*-->\n)[^]*(<!-- end -->)/,
    (_, head: string, end: string) => `${head}\n${lines.join('\n')}\n\n${end}`,
  );
}

function document(title: string, lines: readonly string[]): string {
  return `# ${title}\n\nGenerated by \`make docs\` from the declarations. Do not edit.\n\n${lines.join('\n')}\n`;
}

/** Services that differ in a default (their ports) show all of them. */
function shownDefault(row: SettingRow, defaults: readonly string[]): string {
  const unit = row.unit === '' ? '' : ` ${row.unit}`;
  return defaults.map((text) => (text === 'required' || text === 'empty' ? text : `\`${text}\`${unit}`)).join(', ');
}

function tableHead(names: readonly string[]): string {
  return `${tableRow(names)}\n${tableRow(names.map(() => '---'))}`;
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
