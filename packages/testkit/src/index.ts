export { createAnswerCheck, type AnswerCheck, type GivenAnswer } from './answer-check.ts';
export { checkBatchChain, type ChainEvent, type ChainReport, type ChainRules } from './batch-chain-policy.ts';
export { checkedFetch } from './checked-fetch.ts';
export { eventInput, eventRecord, publishRecords } from './event-records.ts';
export { deleteRecords } from './delete-records.ts';
export { claimTestDatabase } from './claim-database.ts';
export { eventually, type EventuallyOptions } from './eventually.ts';
export { type HostileRequest } from './hostile/hostile-request.ts';
export { hostileRequests } from './hostile/hostile-requests.ts';
export { exchangeRaw, type RawAnswer, type RawExchange, type RawRequest } from './hostile/raw-http.ts';
export { createKeyring, type Keyring, type MadeKey } from './keyring.ts';
export { runKafkaProgram, runKafkaTool } from './kafka-console.ts';
export {
  gapsByTheQueries,
  receiveByTheDocs,
  rowsByTheDocs,
  type Gap,
  type KeptEvent,
  type ReceiverAccount,
} from './receiver-by-the-docs.ts';
export {
  startReceiver,
  type Behaviour,
  type IncomingRequest,
  type ReceivedRequest,
  type Receiver,
  type ReceiverOptions,
  type Reply,
} from './receiver.ts';
export { noteSpawned } from './spawned-processes.ts';
export { pythonWith } from './python-environment.ts';
export { startService, type Exit, type ServiceProcess, type StartServiceOptions } from './service-process.ts';
export { residentBytesOf } from './resident-memory.ts';
export { runDocket, type DocketRun } from './run-docket.ts';
export { stackFromEnv } from './stack-from-env.ts';
export { createWorld, type World } from './world.ts';
