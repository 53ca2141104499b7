/** What an endpoint does with a request. drip: a byte of the answer's body a second, without end; flip: 500 and 204 in turn. */
export type Behaviour =
  'fast' | 'slow' | 'hang' | 'drip' | 'status_500' | 'status_503' | 'status_429' | 'reset' | 'flip';

/** Endpoints are numbered, and an order is about those from `from` up to, but not including, `to`. */
export type Order =
  | { readonly type: 'open'; readonly origins: number; readonly secretBase64: string }
  | { readonly type: 'behave'; readonly from: number; readonly to: number; readonly behaviour: Behaviour }
  | { readonly type: 'counts'; readonly from: number; readonly to: number }
  | { readonly type: 'requests' }
  /** Writes the first receipts to a file: endpoint (4 bytes), seq (4 bytes), moment of arrival (double, ms since the epoch), big-endian. */
  | { readonly type: 'dump'; readonly file: string };

export interface Counts {
  /** Events of first receipts. */
  readonly received: number;
  /** Events up to the last acknowledged one of each endpoint. */
  readonly acknowledged: number;
  /** Events that came again. */
  readonly repeated: number;
  /** What broke the order or the completeness of first receipts, in all endpoints; and the first of it. */
  readonly problems: number;
  readonly firstProblem: string;
}

export type Answer =
  | { readonly type: 'opened'; readonly ports: readonly number[] }
  | { readonly type: 'done' }
  | ({ readonly type: 'counts'; readonly bodies: number } & Counts)
  | { readonly type: 'requests'; readonly requests: readonly number[] };
