import { contentHashOf, frameAvro, parseEvent, partitionOf, type AuditEvent, type DecoderLookup } from '@docket/event';

/** Of the model topic. */
export const partitions = 3;
/** Small, so that events leave it and come back within one seed. */
export const windowRecords = 8;
export const generation = 1;

/** What a producer meant by a record. The oracle works with this alone; the ingestor sees the bytes. */
export interface Meaning {
  readonly kind: 'event' | 'unreadable';
  readonly tenant: string;
  readonly id: string;
  /** Two events with one id and different contents are a conflict. */
  readonly content: number;
  /** ClickHouse refuses a row that shows it. */
  readonly isPoison: boolean;
  /** Written with a schema that the registry knows only later on. */
  readonly hasLateSchema: boolean;
  readonly value: Buffer | null;
}

interface Tenant {
  readonly name: string;
  readonly home: number;
}

/** Two tenants for each partition, so that the logs of one partition mix. */
export const tenants: readonly Tenant[] = (() => {
  const found: Tenant[] = [];
  for (let n = 0; found.length < 2 * partitions; n += 1) {
    const name = `tenant-${n}`;
    const home = partitionOf(name, partitions);
    if (found.filter((tenant) => tenant.home === home).length < 2) found.push({ name, home });
  }
  return found;
})();

/** By content hash: what ClickHouse refuses. */
export const poisonHashes = new Set<bigint>();
export const knownSchema = 1;
export const lateSchema = 2;

const idsOfTenant = 24;
const arrivalMs = Date.UTC(2026, 10, 30);
const decoded: AuditEvent[] = [];

function createMeaning(tenant: Tenant, idNumber: number, content: number, options: Partial<Meaning> = {}): Meaning {
  const tenantNumber = tenants.indexOf(tenant);
  const id = `0199f3c2-7a1e-7c3d-9a55-${String(tenantNumber).padStart(4, '0')}${String(idNumber).padStart(8, '0')}`;
  const { isPoison = false, hasLateSchema = false } = options;
  const parsed = parseEvent(
    {
      id,
      tenant_id: tenant.name,
      action: isPoison ? 'poison.taken' : 'user.created',
      description: `content ${content}`,
      actor: { type: 'user', id: 'u_1' },
    },
    arrivalMs,
    id,
  );
  if (!parsed.ok) throw new Error(`the simulation's own event is invalid: ${JSON.stringify(parsed.errors)}`);
  decoded.push(parsed.event);
  if (isPoison) poisonHashes.add(contentHashOf(parsed.event));
  // The model's encoding of an event is its number: what Avro does with bytes is tested elsewhere.
  const body = Buffer.alloc(2);
  body.writeUInt16BE(decoded.length - 1);
  const value = frameAvro(hasLateSchema ? lateSchema : knownSchema, body);
  return { kind: 'event', tenant: tenant.name, id, content, isPoison, hasLateSchema, value };
}

const numbers = Array.from({ length: idsOfTenant }, (_, n) => n);

/** All events that any seed uses, by tenant and id: two contents each. Made once, because making them is what costs. */
export const ordinary: readonly (readonly (readonly [Meaning, Meaning])[])[] = tenants.map((tenant) =>
  numbers.map((n) => [createMeaning(tenant, n, 0), createMeaning(tenant, n, 1)]),
);
export const poison: readonly (readonly Meaning[])[] = tenants.map((tenant) =>
  [100, 101].map((n) => createMeaning(tenant, n, 0, { isPoison: true })),
);
/** The same ids, other contents, nothing wrong with them. */
export const antidote: readonly (readonly Meaning[])[] = tenants.map((tenant) =>
  [100, 101].map((n) => createMeaning(tenant, n, 1)),
);
/** Each of them is used once a seed: what becomes of it depends on when it is read. */
export const late: readonly (readonly Meaning[])[] = tenants.map((tenant) =>
  [200, 201, 202, 203].map((n) => createMeaning(tenant, n, 0, { hasLateSchema: true })),
);

const nothing = { kind: 'unreadable', tenant: '', id: '', content: 0, isPoison: false, hasLateSchema: false } as const;
export const unreadable: readonly Meaning[] = [
  { ...nothing, value: Buffer.from('garbage') },
  { ...nothing, value: frameAvro(knownSchema, Buffer.from('no event')) },
  { ...nothing, value: frameAvro(77, Buffer.from([0, 0])) },
  { ...nothing, value: null },
];

/** Keys by tenant number, and keys that are nobody's. */
export const keys: readonly Buffer[] = tenants.map(({ name }) => Buffer.from(name));
export const foreignKeys: readonly (Buffer | null)[] = [null, Buffer.from('no tenant!')];

/** The decoders that the registry gives. */
export function decodersOf(isLateSchemaKnown: () => boolean): DecoderLookup {
  const decode = (body: Buffer): AuditEvent => {
    const event = body.length === 2 ? decoded[body.readUInt16BE()] : undefined;
    if (event === undefined) throw new Error('no event');
    return event;
  };
  return (schemaId) =>
    schemaId === knownSchema || (schemaId === lateSchema && isLateSchemaKnown()) ? decode : undefined;
}
