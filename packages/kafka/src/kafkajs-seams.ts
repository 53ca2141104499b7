import { createRequire } from 'node:module';

import { decodeFetchAnswer } from './fetch/fetch-answer.ts';
import { carriesBatches, encodeProduceRequest, produceVersions } from './produce/produce-request.ts';
import type { ProduceRequest } from './produce/produce-request.ts';

/** `docket`: decodeFetchAnswer · `kafkajs`: the one that kafkajs brings. */
export type FetchDecoder = 'docket' | 'kafkajs';

type Method = (this: object, ...args: never[]) => unknown;

const load = createRequire(import.meta.url);
/** kafkajs' own, for those that were replaced. */
const originals = new Map<string, unknown>();

/**
 * What is changed inside kafkajs 2.2.4, in this process, for good: it has no setting for any of it. Safe to call again. Throws a
 * TypeError when kafkajs is no longer built like this, so that an update cannot lose a change in silence.
 */
export function changeKafkajs(decoder: FetchDecoder): void {
  // Brokers before 2.3 answer with older versions, which stay with kafkajs.
  const version11 = partOfKafkajs('protocol/requests/fetch/v11/response.js');
  replace(version11, 'decode', (own) => (decoder === 'docket' ? decodeFetchAnswer : own));
  replace(partOfKafkajs('protocol/requests/produce/index.js'), 'protocol', withBatchesAsTheyAre);
  replace(prototypeOf('network/requestQueue/index.js'), 'scheduleCheckPendingRequests', onlyWhilePending);
}

/**
 * After its first answer a connection of kafkajs looks every millisecond for requests that wait, for ever. A request that has to
 * wait calls this by itself.
 */
function onlyWhilePending(own: Method): Method {
  return function scheduleCheckPendingRequests() {
    const pending: unknown = Reflect.get(this, 'pending');
    if (!Array.isArray(pending)) throw new TypeError('kafkajs no longer keeps requests that wait');
    return pending.length === 0 ? undefined : own.call(this);
  };
}

/** Record batches in a produce request go as they are; requests with messages (the transactional writer's) stay with kafkajs. */
function withBatchesAsTheyAre(own: Method): Method {
  return function protocol({ version }: { version: number }) {
    const make: unknown = Reflect.apply(own, this, [{ version }]);
    if (!isMethod(make)) throw new TypeError('kafkajs no longer makes produce requests by a function');
    return (given: ProduceRequest) => {
      const made: unknown = Reflect.apply(make, undefined, [given]);
      if (!carriesBatches(given)) return made;
      if (!produceVersions.includes(version)) throw new TypeError(`Kafka takes produce requests of version ${version}`);
      const request: unknown = Reflect.get(Object(made), 'request');
      // kafkajs appends the bytes of what it takes for an encoder.
      const encode = async (): Promise<object> => {
        const buffer = encodeProduceRequest(given);
        return { buf: buffer, buffer };
      };
      return { ...Object(made), request: { ...Object(request), encode } };
    };
  };
}

const uncommitted = 0;

/** Lets the admin of a client that was made for it alone ask for offsets as they are (READ_UNCOMMITTED): by itself it asks for those that readers of committed records can reach. */
export function askingForAllOffsets<Client extends object>(client: Client): Client {
  const name = Object.getOwnPropertySymbols(client).find(({ description }) => description?.endsWith(':createCluster'));
  const own: unknown = name === undefined ? undefined : Reflect.get(client, name);
  if (name === undefined || !isMethod(own)) throw new TypeError('kafkajs no longer makes its clusters by a function');
  Reflect.set(client, name, (given: object): unknown =>
    Reflect.apply(own, client, [{ ...given, isolationLevel: uncommitted }]),
  );
  return client;
}

function prototypeOf(path: string): object {
  const prototype: unknown = Reflect.get(partOfKafkajs(path), 'prototype');
  if (typeof prototype !== 'object' || prototype === null)
    throw new TypeError(`kafkajs no longer has a class in ${path}`);
  return prototype;
}

function partOfKafkajs(path: string): object {
  const found: unknown = load(`kafkajs/src/${path}`);
  if ((typeof found !== 'object' && typeof found !== 'function') || found === null)
    throw new TypeError(`kafkajs no longer has ${path}`);
  return found;
}

/** Always from the original, so that a second call changes nothing twice. */
function replace(owner: object, name: string, change: (own: Method) => Method): void {
  const own: unknown = originals.get(name) ?? Reflect.get(owner, name);
  if (!isMethod(own)) throw new TypeError(`kafkajs no longer has ${name}`);
  originals.set(name, own);
  Reflect.set(owner, name, change(own));
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}
