import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { ActionCatalogue } from './actions.ts';
import type { EventInput, Source } from './event-input.ts';
import { noTenantId } from './event-mapper.ts';
import { type Failure, warnOnFailure } from './failure.ts';
import { createHttpTransport } from './http-transport.ts';
import type { Transport } from './transport.ts';

export interface SpoolFolderOptions {
  /**
   * Where the spools are; made if it is not there. Processes may share it. In a container: a volume, or a restart elsewhere leaves events behind.
   * Default: `docket` in the user's state folder ($XDG_STATE_HOME, ~/.local/state; %LOCALAPPDATA% on Windows).
   */
  dir?: string | undefined;
  /** Of events that wait. Default 1 GiB, room for a million and more. The files may be twice as large for a time. */
  bytesMax?: number | undefined;
  /** What an event survives as soon as `record` has resolved: the death of the process (default), or also a power cut, for a flush to disk. */
  durability?: 'process' | 'power' | undefined;
  /** How often spools of processes that are gone are looked for and sent. Default 30 s. */
  adoptIntervalMs?: number | undefined;
}

export interface DocketOptions<C extends ActionCatalogue = ActionCatalogue> {
  /** Where the gateway is, such as https://docket.example.com. */
  url?: string | undefined;
  /** An API key with the scope events:write: `dk_<id>_<secret>`. */
  key?: string | undefined;
  /** Instead of `url` and `key`: `kafkaTransport` of `@docket/sdk/kafka`, or `recordingTransport` of `@docket/sdk/testing`. */
  transport?: Transport | undefined;
  /** The tenant of events that name none. */
  tenantId?: string | undefined;
  /**
   * What records. `instance` defaults to the host's name; the id of the spool is added to it, so that `source.counter` counts within it. An event with an `id` of
   * its own has neither number, spool nor the host's name: the same event recorded again, elsewhere too, is the same.
   */
  source: Source;
  /** The catalogue of the application's actions (`defineActions`): `record` then takes these, checked by the compiler. */
  actions?: C | undefined;
  /**
   * Changes every event before it is kept, such as `redactKeys([…])`; a field that it leaves out is gone, but for id, tenant, actor and time. An event for which it
   * throws, or gives nothing, is `invalid`: better lost than told.
   */
  redact?: ((event: EventInput) => EventInput) | undefined;
  /** The spool on disk; false: none, events are in memory only. */
  spool?: SpoolFolderOptions | false | undefined;
  /** Without a spool, or while its disk fails. Default 10 000 events and 64 MiB: what may be lost with the process, and what it may cost. */
  memory?: { eventsMax?: number | undefined; bytesMax?: number | undefined } | undefined;
  /** With a full spool `record` answers `spool_full`: at once (0, the default), or when there is no room within so long. */
  waitForRoomMs?: number | undefined;
  /** Of one request. Default 500 events (at most 1000) and 1 MiB. */
  batch?: { eventsMax?: number | undefined; bytesMax?: number | undefined } | undefined;
  /** Of repeated requests, with full jitter. Default 200 ms, doubling up to 15 s. */
  retry?: { baseDelayMs?: number | undefined; maxDelayMs?: number | undefined } | undefined;
  /** For one whole request, answer included. Default 10 s. */
  requestTimeoutMs?: number | undefined;
  /** Rejects where `record` would answer `ok: false`, and for an action that the catalogue lacks. For tests, never for production. */
  strict?: boolean | undefined;
  /** Told of everything that is lost, refused or delayed; may be async. Default: a process warning, at most one a minute for each reason. */
  onFailure?: ((failure: Failure) => unknown) | undefined;
  /** Told of every request that was taken; may be async. */
  onSent?: ((request: { events: number; bytes: number; durationMs: number }) => unknown) | undefined;
}

/** The options with every default filled in. Throws TypeError for what can never work: a mistake to find at start. */
export function resolveOptions(options: DocketOptions) {
  const { spool = {}, actions, redact, source } = options;
  if (typeof source?.service !== 'string' || source.service === '')
    throw new TypeError('createDocket: source.service is missing');
  if (typeof (options.tenantId ?? '') !== 'string') throw new TypeError(`createDocket: tenantId is ${noTenantId}`);
  return {
    transport: options.transport ?? httpTransportOf(options),
    tenantId: options.tenantId,
    source: { ...source, instance: source.instance?.slice(0, instanceCharsMax) },
    /** Of events that are numbered. */
    instance: (source.instance ?? hostname()).slice(0, instanceCharsMax),
    actions,
    redact,
    spool: spool === false ? undefined : resolveSpool(spool),
    memory: {
      eventsMax: atLeast(1, 'memory.eventsMax', options.memory?.eventsMax ?? 10_000),
      bytesMax: atLeast(1, 'memory.bytesMax', options.memory?.bytesMax ?? 64 * 1024 * 1024),
    },
    waitForRoomMs: atLeast(0, 'waitForRoomMs', options.waitForRoomMs ?? 0),
    batch: {
      eventsMax: Math.min(1000, atLeast(1, 'batch.eventsMax', options.batch?.eventsMax ?? 500)),
      bytesMax: atLeast(1, 'batch.bytesMax', options.batch?.bytesMax ?? 1024 * 1024),
    },
    retry: {
      baseDelayMs: atLeast(1, 'retry.baseDelayMs', options.retry?.baseDelayMs ?? 200),
      maxDelayMs: atLeast(1, 'retry.maxDelayMs', options.retry?.maxDelayMs ?? 15_000),
    },
    isStrict: options.strict ?? false,
    onFailure: options.onFailure ?? warnOnFailure(),
    onSent: options.onSent,
  };
}

/** With the spool's id behind it an instance has at most 256 characters, the event schema's limit. */
const instanceCharsMax = 240;

function httpTransportOf({ url, key, requestTimeoutMs = 10_000 }: DocketOptions): Transport {
  if (url === undefined || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new TypeError(`createDocket: url is no http(s) URL: ${url}`);
  }
  if (key === undefined || key === '') throw new TypeError('createDocket: key is missing');
  return createHttpTransport({ url, key, requestTimeoutMs: atLeast(1, 'requestTimeoutMs', requestTimeoutMs) });
}

function resolveSpool(spool: SpoolFolderOptions) {
  const { durability = 'process' } = spool;
  if (durability !== 'process' && durability !== 'power')
    throw new TypeError(`createDocket: spool.durability is process or power, not ${String(durability)}`);
  return {
    dir: spool.dir ?? defaultSpoolDir(),
    bytesMax: atLeast(1, 'spool.bytesMax', spool.bytesMax ?? 1024 * 1024 * 1024),
    isPowerSafe: durability === 'power',
    adoptIntervalMs: atLeast(1, 'spool.adoptIntervalMs', spool.adoptIntervalMs ?? 30_000),
  };
}

/** Not the temporary folder: others may write there, and it is emptied at a restart. */
function defaultSpoolDir(): string {
  const { XDG_STATE_HOME, LOCALAPPDATA } = process.env;
  const given = process.platform === 'win32' ? LOCALAPPDATA : XDG_STATE_HOME;
  return join(given !== undefined && given !== '' ? given : join(homedir(), '.local', 'state'), 'docket');
}

function atLeast(least: number, name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw new TypeError(`createDocket: ${name} is no integer of at least ${least}: ${value}`);
  return value;
}
