import { checkedFetch, createAnswerCheck } from '@docket/testkit';

/** Every answer of our services to any test on the stack is held against the OpenAPI document. */
globalThis.fetch = checkedFetch(globalThis.fetch, createAnswerCheck());
