/** Why ClickHouse did not do it. `unavailable`: the same statement may succeed later, or may have succeeded. */
export type FailureReason = 'unavailable' | 'refused' | 'fenced';

/** Code of failures in which ClickHouse gave no code: no connection, no answer in time, a proxy's answer. */
export const noAnswerCode = 0;

/** What `throwIf(…, 'fenced')` answers with; other uses of throwIf share it. */
const throwIfCode = 395;

/** The text that the guard of a block insert throws. */
export const fencedText = 'fenced';

/** Codes after which the same statement may succeed: limits, time-outs, cancellation, read-only tables, Keeper. */
const retryableCodes: ReadonlySet<number> = new Set([
  noAnswerCode,
  159, // TIMEOUT_EXCEEDED
  164, // READONLY
  173, // CANNOT_ALLOCATE_MEMORY
  198, // DNS_ERROR
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  216, // QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING
  236, // ABORTED
  241, // MEMORY_LIMIT_EXCEEDED
  242, // TABLE_IS_READ_ONLY
  243, // NOT_ENOUGH_SPACE
  252, // TOO_MANY_PARTS
  319, // UNKNOWN_STATUS_OF_INSERT
  394, // QUERY_WAS_CANCELLED
  516, // AUTHENTICATION_FAILED: an operator's to mend, not the statement's
  999, // KEEPER_EXCEPTION
]);

/**
 * Codes that say "a value of this block is bad". A closed list on purpose: whatever is not in it, the ingestor keeps the
 * block and tries again, so that a wrong guess costs time and never data.
 */
const dataErrorCodes: ReadonlySet<number> = new Set([
  6, // CANNOT_PARSE_TEXT
  26, // CANNOT_PARSE_QUOTED_STRING
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  38, // CANNOT_PARSE_DATE
  41, // CANNOT_PARSE_DATETIME
  53, // TYPE_MISMATCH
  69, // ARGUMENT_OUT_OF_BOUND
  70, // CANNOT_CONVERT_TYPE
  72, // CANNOT_PARSE_NUMBER
  117, // INCORRECT_DATA
  128, // TOO_LARGE_ARRAY_SIZE
  130, // CANNOT_READ_ARRAY_FROM_TEXT
  131, // TOO_LARGE_STRING_SIZE
  190, // SIZES_OF_ARRAYS_DONT_MATCH
  321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  376, // CANNOT_PARSE_UUID
  407, // DECIMAL_OVERFLOW
  469, // VIOLATED_CONSTRAINT
  691, // UNKNOWN_ELEMENT_OF_ENUM
]);

/** Why a block was not inserted. Unknown codes count as `unavailable`: the block is kept and tried again. */
export function reasonOfInsertFailure(code: number, message: string): FailureReason {
  if (code === throwIfCode && isFencedMessage(message)) return 'fenced';
  return dataErrorCodes.has(code) ? 'refused' : 'unavailable';
}

/** Why a query failed. Unknown codes count as `refused`: repeating a bad statement mends nothing. */
function reasonOfQueryFailure(code: number): Exclude<FailureReason, 'fenced'> {
  return retryableCodes.has(code) ? 'unavailable' : 'refused';
}

/**
 * ClickHouse writes the text of throwIf directly behind the exception's name, and what follows is its own; no value of a
 * row can stand there. This is the one place that reads a message.
 */
function isFencedMessage(message: string): boolean {
  const prefix = `Code: ${throwIfCode}. DB::Exception: ${fencedText}`;
  return message === prefix || message.startsWith(`${prefix}:`) || message.startsWith(`${prefix}.`);
}

/** TOO_MANY_ROWS_OR_BYTES: what a read's max_result_bytes or max_result_rows is for. */
const tooLargeCode = 396;

/** Whether a read would have had a larger answer than it may have: the same of fewer rows may succeed. */
export function isAnswerTooLarge(error: unknown): boolean {
  return error instanceof ClickHouseError && error.code === tooLargeCode;
}

/** A statement that ClickHouse did not carry out. `code` is ClickHouse's own, 0 when it gave none. */
export class ClickHouseError extends Error {
  override readonly name = 'ClickHouseError';
  readonly code: number;
  readonly reason: Exclude<FailureReason, 'fenced'>;

  constructor(code: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.reason = reasonOfQueryFailure(code);
  }
}
