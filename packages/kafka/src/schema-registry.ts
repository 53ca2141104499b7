import { COMPATIBILITY, SchemaRegistry as RegistryClient, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import { DocketError } from '@docket/runtime';

import { within } from './deadline.ts';
import type { RegistrySettings } from './settings.ts';

/** unknown: the registry says that there is no such Avro schema · unreachable: it did not say; ask again. */
export type SchemaLookup =
  { readonly ok: true; readonly schema: unknown } | { readonly ok: false; readonly reason: 'unknown' | 'unreachable' };

export interface SchemaRegistry {
  /**
   * Registers an Avro schema under a subject, FULL_TRANSITIVE when the subject is new, and gives its id. Idempotent. Rejects with
   * `registry_unavailable`, or with the registry's own words when it refuses the schema (incompatible).
   */
  register(subject: string, schema: AvroRecordSchema): Promise<number>;
  /** The writer schema of an id as Avro JSON. A found one is kept for good (ids never change), an unknown id for 5 s. Never rejects. */
  schemaById(id: number): Promise<SchemaLookup>;
  /** The ids of all versions of a subject, oldest first; empty when the subject does not exist. Rejects with `registry_unavailable`. */
  subjectIds(subject: string): Promise<number[]>;
  /** The id of a schema that is a version of a subject; undefined when it is none. Registers nothing. Rejects with `registry_unavailable`. */
  idOf(subject: string, schema: AvroRecordSchema): Promise<number | undefined>;
}

/** The least that the registry demands of a schema. */
export interface AvroRecordSchema {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly fields: readonly unknown[];
}

/** A number of whatever unit. avsc forgets a logical type that it does not know; so it stays in the JSON of a schema. */
class KeptUnit extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): unknown {
    return value;
  }

  protected override _toValue(value: unknown): unknown {
    return value;
  }
}

const logicalTypes = Object.fromEntries(
  ['millis', 'micros', 'nanos'].flatMap((unit) => [
    [`timestamp-${unit}`, KeptUnit],
    [`local-timestamp-${unit}`, KeptUnit],
  ]),
);

const requestDeadlineMs = 5_000;
/** Shorter than whoever asks has patience: a node of the registry may not know yet what another has taken. */
const unknownKeptMs = 5_000;
/** I8: a hostile producer can name any id. */
const unknownIdsMax = 10_000;

/** Adapter of any registry with Confluent's API. Makes no request until it is asked. */
export function createSchemaRegistry(settings: RegistrySettings): SchemaRegistry {
  const { host, auth } = splitUrl(settings.schemaRegistryUrl);
  const client = new RegistryClient(
    { host, retry: { retries: 1 }, ...(auth === undefined ? {} : { auth }) },
    { [SchemaType.AVRO]: { logicalTypes } },
  );
  const known = new Map<number, Promise<SchemaLookup>>();
  const unknownUntilMs = new Map<number, number>();
  /** A version's id never changes. */
  const versionIds = new Map<string, number>();

  const look = async (id: number): Promise<SchemaLookup> => {
    try {
      const schema = avroJsonOf(await within(client.getSchema(id), requestDeadlineMs, `asking for schema ${id}`));
      return schema === undefined ? { ok: false, reason: 'unknown' } : { ok: true, schema };
    } catch (error) {
      return { ok: false, reason: isAboutTheSchema(error) ? 'unknown' : 'unreachable' };
    }
  };

  const schemaById = async (id: number): Promise<SchemaLookup> => {
    const pending = known.get(id);
    if (pending !== undefined) return pending;
    if ((unknownUntilMs.get(id) ?? 0) > Date.now()) return { ok: false, reason: 'unknown' };
    const asked = look(id);
    known.set(id, asked);
    const answer = await asked;
    if (!answer.ok) {
      known.delete(id);
      if (answer.reason === 'unknown') {
        if (unknownUntilMs.size >= unknownIdsMax) unknownUntilMs.clear();
        unknownUntilMs.set(id, Date.now() + unknownKeptMs);
      }
    }
    return answer;
  };

  async function idOfVersion(subject: string, version: number): Promise<number> {
    const name = `${subject} ${version}`;
    const id =
      versionIds.get(name) ??
      (await within(client.getRegistryId(subject, version), requestDeadlineMs, `asking for ${name}`));
    versionIds.set(name, id);
    return id;
  }

  return {
    schemaById,
    register: async (subject, schema) => {
      try {
        const registering = client.register(
          { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
          { subject, compatibility: COMPATIBILITY.FULL_TRANSITIVE },
        );
        return (await within(registering, 4 * requestDeadlineMs, `registering ${subject}`)).id;
      } catch (error) {
        const status = statusOf(error);
        if (status === 409 || status === 422) throw error;
        throw new DocketError('registry_unavailable', `The schema registry did not register ${subject}.`, {
          cause: error,
        });
      }
    },
    idOf: async (subject, schema) => {
      try {
        const asking = client.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema: JSON.stringify(schema) });
        return await within(asking, requestDeadlineMs, `asking for the id of a schema of ${subject}`);
      } catch (error) {
        if (isAboutTheSchema(error)) return undefined;
        throw new DocketError('registry_unavailable', `The schema registry did not look for a schema of ${subject}.`, {
          cause: error,
        });
      }
    },
    subjectIds: async (subject) => {
      try {
        const versions = await listVersions(host, auth, subject);
        return await Promise.all(versions.map((version) => idOfVersion(subject, version)));
      } catch (error) {
        throw new DocketError('registry_unavailable', `The schema registry did not list the versions of ${subject}.`, {
          cause: error,
        });
      }
    },
  };
}

type Credentials = { username: string; password: string };

function splitUrl(url: string): { host: string; auth: Credentials | undefined } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  parsed.username = '';
  parsed.password = '';
  const auth =
    username === '' ? undefined : { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  return { host: parsed.href.replace(/\/$/, ''), auth };
}

/** The client gives avsc types; their JSON is what other packages compile. Undefined for JSON Schema and Protobuf. */
function avroJsonOf(schema: object): unknown {
  return schema instanceof avro.Type ? schema.schema({ exportAttrs: true }) : undefined;
}

/** The client reports a refused connection as status 400, so only 404, and its own complaints about a schema, speak of the schema. */
function isAboutTheSchema(error: unknown): boolean {
  return statusOf(error) === 404 || (error instanceof Error && error.name.startsWith('ConfluentSchemaRegistry'));
}

function statusOf(error: unknown): number | undefined {
  return typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number'
    ? error.status
    : undefined;
}

/** The one call of Confluent's API that the client lacks. */
async function listVersions(host: string, auth: Credentials | undefined, subject: string): Promise<number[]> {
  const basic = auth === undefined ? undefined : Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
  const response = await fetch(`${host}/subjects/${encodeURIComponent(subject)}/versions`, {
    signal: AbortSignal.timeout(requestDeadlineMs),
    headers: basic === undefined ? {} : { authorization: `Basic ${basic}` },
  });
  if (response.status === 404) return [];
  const versions: unknown = await response.json();
  if (!response.ok || !Array.isArray(versions)) throw new Error(`status ${response.status}`);
  return versions.map(Number);
}
