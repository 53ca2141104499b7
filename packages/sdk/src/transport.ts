/** What became of a request to take events. */
export type Sent =
  /** The events are in the log, but for those put aside: these the receiver will never take. */
  | { verdict: 'accepted'; putAside: readonly PutAside[] }
  /** It may work later, with the same events; not before `retryAfterMs`, if the receiver has asked for that. */
  | {
      verdict: 'retry';
      detail: string;
      retryAfterMs?: number | undefined;
      /** Positions in the request: only the tenants of these events have to wait, for others it works now. Absent: everybody. */
      tenantsOf?: readonly number[] | undefined;
    }
  /** It will work only after someone mends the address or the key; the events are kept, and tried slowly. */
  | { verdict: 'misconfigured'; detail: string }
  /**
   * Not with these events. A batch is halved until the refused event is alone. `isUnsigned`: it is not known that the receiver itself has said so; then
   * the event is tried some more times before it is given up.
   */
  | { verdict: 'refused'; detail: string; isUnsigned?: boolean };

export interface PutAside {
  /** Position in the request. */
  readonly index: number;
  readonly detail: string;
}

/** Where events are sent: the gateway (the default), Kafka (`@docket/sdk/kafka`), or a test (`@docket/sdk/testing`). */
export interface Transport {
  /** Names the receiver. What was recorded for one is never sent to another: a spool belongs to a destination. */
  readonly destination: string;
  /**
   * Sends events, each the JSON of `POST /v1/events`, and says what became of them. Never rejects; ends, with whatever verdict, soon after
   * `stopped` is aborted. At least once: events of a request that failed may have arrived.
   */
  send(texts: readonly string[], stopped: AbortSignal): Promise<Sent>;
  /** Gives back what it holds. Never rejects. */
  close?(): Promise<void>;
}
