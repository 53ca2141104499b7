import { Readable } from 'node:stream';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { ClickHouseError, noAnswerCode } from './error-policy.ts';
import type { ClickHouseConfig } from './settings.ts';
import { beginningOf, checkedBytes } from './stream-answer.ts';

/** Below the server's keep_alive_timeout (3 s before 23.11, 10 s since), so that no request goes out on a closing socket. */
const idleSocketTtlMs = 2_500;
/** Socket silence after which the client gives up, unless told otherwise; every request also has its own deadline. */
const defaultSilenceMs = 60_000;
/** Deadline of a statement whose caller names none. */
const defaultDeadlineMs = 30_000;
/** Sockets to one server; further requests wait for a free one, within their deadline. */
const defaultConnectionsMax = 16;
/** Of an answer that is held back, the server keeps so much in memory and the rest in a file; by default a file takes all of it. */
const heldAnswerBytesMax = String(4 * 1024 * 1024);
/** What is kept of a server's message. */
const messageCharactersMax = 2_000;

export type SettingValue = string | number | boolean;

export interface RequestOptions {
  /** Aborts the request; a read is then cancelled at the server too. */
  readonly signal?: AbortSignal | undefined;
  /** ms from the call until the answer has been read; default 30,000. */
  readonly deadlineMs?: number;
  /** ClickHouse settings of this request. */
  readonly settings?: Readonly<Record<string, SettingValue>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly queryId?: string;
  /**
   * For reads of rows that may be large: asked before each `bytes` of the answer is kept, and whether a whole row was kept before; with false the
   * statement is cancelled, and the answer is what came before them, whole rows of it. Whoever says so knows that there was more.
   */
  readonly takes?: ((bytes: number, hasRow: boolean) => boolean) | undefined;
  /** With `takes`: whether the beginning of an answer holds a whole row; default: whether it holds a whole line. */
  readonly hasRow?: (beginning: Buffer) => boolean;
}

export type QueryParameters = Readonly<Record<string, unknown>>;

/** How ClickHouse answered a statement that brought its own data. */
export type SendOutcome =
  { readonly ok: true } | { readonly ok: false; readonly code: number; readonly message: string };

export interface ClickHouse {
  readonly database: string;
  /**
   * All rows of a SELECT without FORMAT, as JSON objects. `T` is trusted to be what the statement selects. Integers come as
   * numbers: select toString() of what may reach 2^53. Throws ClickHouseError; a failure after the first row is an error
   * too, never a short answer. Values belong into `params` ({name:Type} in the SQL), never into the text.
   */
  query<T = Record<string, unknown>>(sql: string, params?: QueryParameters, options?: RequestOptions): Promise<T[]>;
  /** The same for a statement that names its own FORMAT: the raw bytes. Where `takes` has ended it, its end may lie within a row. */
  queryBytes(sql: string, params?: QueryParameters, options?: RequestOptions): Promise<Buffer>;
  /**
   * The same, as the bytes come: of any length, in constant memory, read as fast as they are taken. Resolves when ClickHouse has
   * begun to answer. Throws ClickHouseError, midway too: what ends without an error is whole. Ending the iteration cancels
   * the statement. `deadlineMs` is for its beginning; the end is bounded by max_execution_time, and by `signal`.
   */
  stream(sql: string, params?: QueryParameters, options?: RequestOptions): Promise<AsyncIterable<Buffer>>;
  /** A statement without an answer. Throws ClickHouseError. */
  command(sql: string, params?: QueryParameters, options?: RequestOptions): Promise<void>;
  /** A statement whose data follows as bytes in the format it names. Never throws. Sends nothing twice. */
  send(sql: string, body: readonly Uint8Array[], options?: RequestOptions): Promise<SendOutcome>;
  /** Whether the server answers a statement of this user in this database within 5 s. */
  ping(): Promise<SendOutcome>;
  close(): Promise<void>;
}

export interface ClickHousePorts {
  /** Default 16. */
  readonly connectionsMax?: number;
  /** ms without a byte from the server after which a request is given up; default 60,000. */
  readonly silenceMs?: number;
}

/**
 * The seam to ClickHouse over HTTP: no session, no log line of its own, and no retry but one of a read whose socket was gone.
 * Connects with the first request.
 * Errors are classified by the numeric code of the header x-clickhouse-exception-code.
 */
export function createClickHouse(config: ClickHouseConfig, ports: ClickHousePorts = {}): ClickHouse {
  const client = createClient({
    url: config.clickhouseUrl,
    username: config.clickhouseUser,
    password: config.clickhousePassword,
    database: config.clickhouseDatabase,
    request_timeout: ports.silenceMs ?? defaultSilenceMs,
    max_open_connections: ports.connectionsMax ?? defaultConnectionsMax,
    keep_alive: { enabled: true, idle_socket_ttl: idleSocketTtlMs, eagerly_destroy_stale_sockets: true },
    compression: { request: false, response: false },
    // The answer is held back until the statement has ended, so that its status and code are true.
    clickhouse_settings: { wait_end_of_query: 1, http_response_buffer_size: heldAnswerBytesMax },
    log: { level: ClickHouseLogLevel.OFF },
  });

  const readSettings = {
    output_format_json_quote_64bit_integers: 0,
    // ClickHouse cancels what a departed caller asked for only when it cannot have written; 2 still allows settings.
    readonly: 2,
    cancel_http_readonly_queries_on_client_close: 1,
    // On, it takes PREWHERE for itself where there is ORDER BY … LIMIT: the conditions are then evaluated behind the reading, for
    // which their columns are read of every row, and the text index is not read in their place.
    use_top_k_dynamic_filtering: 0,
    // Answers are short: to start threads that write them takes longer than to write them.
    output_format_parallel_formatting: 0,
  };
  const stream: ClickHouse['stream'] = (sql, params, options = {}) => {
    const settings = { ...readSettings, wait_end_of_query: 0, ...options.settings };
    return openStream(client, { sql, params, options: { ...options, settings } });
  };
  const queryBytes: ClickHouse['queryBytes'] = async (sql, params, options = {}) => {
    const { takes } = options;
    if (takes !== undefined) {
      const bounded = { ...options, signal: signalOf(options) };
      const again = (error: ClickHouseError) => {
        if (isSocketGone(error.cause)) return stream(sql, params, bounded);
        throw error;
      };
      return beginningOf(await stream(sql, params, bounded).catch(again), takes, options.hasRow);
    }
    const asked = { sql, params, options: { ...options, settings: { ...readSettings, ...options.settings } } };
    const answer = await exchange(client, asked);
    // An idle socket that the server closed at the same moment: reading again is harmless, and once is enough.
    return unwrap(!answer.ok && isSocketGone(answer.cause) ? await exchange(client, asked) : answer);
  };

  return {
    database: config.clickhouseDatabase,
    queryBytes,
    stream,
    async query<T>(sql: string, params?: QueryParameters, options?: RequestOptions): Promise<T[]> {
      const bytes = await queryBytes(`${sql}\nFORMAT JSONEachRow`, params, options);
      // The border: what the statement selects is what the caller says it selects.
      return linesOf(bytes).map((line) => JSON.parse(line) as T);
    },
    async command(sql, params, options = {}) {
      unwrap(await exchange(client, { sql, params, options }));
    },
    async send(sql, body, options = {}) {
      const answer = await exchange(client, { sql, params: undefined, options, body });
      return answer.ok ? { ok: true } : { ok: false, code: answer.code, message: answer.message };
    },
    async ping() {
      const answer = await exchange(client, { sql: 'SELECT 1', params: undefined, options: { deadlineMs: 5_000 } });
      return answer.ok ? { ok: true } : { ok: false, code: answer.code, message: answer.message };
    },
    close: () => client.close(),
  };
}

interface Exchange {
  readonly sql: string;
  readonly params: QueryParameters | undefined;
  readonly options: RequestOptions;
  readonly body?: readonly Uint8Array[];
}

type Answer =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly code: number; readonly message: string; readonly cause?: unknown };

/** One request and its whole answer. Never throws. */
async function exchange(client: ClickHouseClient, asked: Exchange): Promise<Answer> {
  const { options } = asked;
  const deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
  const deadline = AbortSignal.timeout(deadlineMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  try {
    signal.throwIfAborted();
    const result = await client.exec(requestOf(asked, signal));
    const bytes = await readAll(result.stream, signal);
    const code = exceptionCodeOf(result.response_headers['x-clickhouse-exception-code']);
    const status = result.http_status_code ?? 0;
    if (code === undefined && status >= 200 && status < 300) return { ok: true, bytes };
    const text = bytes.toString('utf8').trim().slice(0, messageCharactersMax);
    return { ok: false, code: code ?? noAnswerCode, message: text === '' ? `HTTP status ${status}` : text };
  } catch (cause) {
    if (deadline.aborted) return { ok: false, code: noAnswerCode, message: `no answer within ${deadlineMs} ms`, cause };
    return { ok: false, code: noAnswerCode, message: messageOf(cause), cause };
  }
}

/** Aborts with the caller's, and at the deadline. */
function signalOf({ signal, deadlineMs = defaultDeadlineMs }: RequestOptions): AbortSignal {
  const deadline = AbortSignal.timeout(deadlineMs);
  return signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
}

/** Sends a statement and gives its answer as it comes. Throws ClickHouseError. */
async function openStream(
  client: ClickHouseClient,
  { sql, params, options }: Exchange,
): Promise<AsyncIterable<Buffer>> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), options.deadlineMs ?? defaultDeadlineMs);
  const signal = options.signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, options.signal]);
  try {
    const result = await client.exec(requestOf({ sql, params, options }, signal));
    const { stream, response_headers: headers } = result;
    const abort = (): void => void stream.destroy(new Error('aborted'));
    if (signal.aborted) abort();
    else {
      signal.addEventListener('abort', abort, { once: true });
      stream.once('close', () => signal.removeEventListener('abort', abort));
    }
    const code = exceptionCodeOf(headers['x-clickhouse-exception-code']);
    const status = result.http_status_code ?? 0;
    if (code === undefined && status >= 200 && status < 300) {
      return checkedBytes(stream, textOf(headers['x-clickhouse-exception-tag']));
    }
    const text = (await readAll(stream, signal)).toString('utf8').trim().slice(0, messageCharactersMax);
    throw new ClickHouseError(code ?? noAnswerCode, text === '' ? `HTTP status ${status}` : text);
  } catch (cause) {
    if (cause instanceof ClickHouseError) throw cause;
    throw new ClickHouseError(noAnswerCode, messageOf(cause), { cause });
  } finally {
    clearTimeout(timer);
  }
}

function requestOf({ sql, params, options, body }: Exchange, signal: AbortSignal) {
  return {
    query: sql,
    // The client's own reading of errors takes the code from the text of the message, which may quote a row.
    ignore_error_response: true,
    abort_signal: signal,
    clickhouse_settings: { ...options.settings },
    ...(params === undefined ? {} : { query_params: { ...params } }),
    ...(options.headers === undefined ? {} : { http_headers: { ...options.headers } }),
    ...(options.queryId === undefined ? {} : { query_id: options.queryId }),
    ...(body === undefined ? {} : { values: Readable.from(body) }),
  };
}

/** The client stops listening to the signal once the headers are there, so the body has to. */
async function readAll(stream: Readable, signal: AbortSignal): Promise<Buffer> {
  const abort = (): void => void stream.destroy(new Error('aborted'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function unwrap(answer: Answer): Buffer {
  if (answer.ok) return answer.bytes;
  throw new ClickHouseError(answer.code, answer.message, answer.cause === undefined ? {} : { cause: answer.cause });
}

function isSocketGone(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
}

function exceptionCodeOf(header: string | string[] | undefined): number | undefined {
  const text = textOf(header);
  if (text === undefined) return undefined;
  const code = Number.parseInt(text, 10);
  return Number.isNaN(code) ? noAnswerCode : code;
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if ('code' in cause && typeof cause.code === 'string') return `${cause.code}: ${cause.message}`;
  return cause.message === '' ? cause.name : cause.message;
}

/** ClickHouse ends each line: what is behind the last end is the beginning of a row that was not taken. */
function linesOf(bytes: Buffer): string[] {
  return bytes
    .toString('utf8', 0, bytes.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1);
}
