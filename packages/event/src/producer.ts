/** What a producer needs and nothing more: the SDK bundles it, also for CommonJS, where what waits for WebAssembly at import cannot be. */
export { encodeEvent, frameAvro } from './avro-codec.ts';
export { newEventId } from './event-id.ts';
export { isReserved } from './log-identity.ts';
export { parseEvent } from './parse-event.ts';
