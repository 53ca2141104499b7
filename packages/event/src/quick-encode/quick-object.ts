import { eventBytesMax } from '../audit-event.ts';
import { putRange } from '../avro/avro-output.ts';
import { clearSink, createByteSink, putByte, type ByteSink } from '../columns/byte-sink.ts';
import {
  closeArray,
  closeObject,
  hasNext,
  openArray,
  openObject,
  openValue,
  scanName,
  uncertain,
  type JsonScanner,
} from './json-scanner.ts';
import { createNameTable, type NameTable } from './name-table.ts';

/** Appends a member's Avro form: reads its value, or, where there is none, writes what stands for it. */
interface Member {
  readonly put: (out: ByteSink, scanner: JsonScanner) => void;
  /** Undefined: the member is required. */
  readonly putAbsent: ((out: ByteSink) => void) | undefined;
  /** Whether it is expected: where it does not come in its place, it may come later. */
  readonly isExpected: boolean;
}

/** How an object is read whose members may come in any order. One at a time: it never holds itself. */
export interface ObjectForm {
  readonly named: NameTable;
  readonly members: readonly Member[];
  /** What was read, and where in it each member stands. */
  readonly scratch: ByteSink;
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** The last one's members came in order. */
  comesInOrder: boolean;
}

/** @param members in the order of the Avro schema; at most 30 */
export function objectForm(members: Readonly<Record<string, Member>>): ObjectForm {
  const names = Object.keys(members);
  return {
    named: createNameTable(names),
    members: Object.values(members),
    scratch: createByteSink(),
    from: new Int32Array(names.length),
    to: new Int32Array(names.length),
    comesInOrder: true,
  };
}

export const required = (put: Member['put']): Member => ({ put, putAbsent: undefined, isExpected: true });
/** What stands for it is one byte: the empty text, list or map, a null, a zero, or a symbol. */
export const optional = (put: Member['put'], byte = 0): Member => ({
  put,
  putAbsent: (out) => putByte(out, byte),
  isExpected: false,
});

/** Reads an object and appends it in Avro. A member that is not known, or there twice, ends the fast path. */
export function putObject(out: ByteSink, scanner: JsonScanner, form: ObjectForm): void {
  const { at, values } = scanner;
  const { length } = out;
  if (form.comesInOrder) {
    if (putInOrder(out, scanner, form)) return;
    scanner.at = at;
    scanner.values = values;
    out.length = length;
  }
  putInAnyOrder(out, scanner, form);
}

/** Most producers write the members of an object in the order in which they are described. False where one does not: nothing of it counts then. */
function putInOrder(out: ByteSink, scanner: JsonScanner, { named, members }: ObjectForm): boolean {
  openValue(scanner, openObject);
  let next = 0;
  for (let index = 0; hasNext(scanner, index, closeObject); index += 1) {
    scanName(scanner);
    const place = named(scanner.bytes, scanner.textFrom, scanner.textTo);
    const member = members[place];
    if (member === undefined) throw uncertain;
    if (place < next) return false;
    for (; next < place; next += 1) {
      if (members[next]?.isExpected === true) return false;
      putAbsent(out, members[next]);
    }
    member.put(out, scanner);
    next += 1;
  }
  for (; next < members.length; next += 1) putAbsent(out, members[next]);
  return true;
}

function putInAnyOrder(out: ByteSink, scanner: JsonScanner, form: ObjectForm): void {
  const { scratch, members, from, to } = form;
  openValue(scanner, openObject);
  clearSink(scratch);
  let seen = 0;
  let isInOrder = true;
  for (let index = 0; hasNext(scanner, index, closeObject); index += 1) {
    scanName(scanner);
    const place = form.named(scanner.bytes, scanner.textFrom, scanner.textTo);
    const member = members[place];
    if (member === undefined || (seen & (1 << place)) !== 0) throw uncertain;
    isInOrder &&= seen < 1 << place;
    seen |= 1 << place;
    from[place] = scratch.length;
    member.put(scratch, scanner);
    to[place] = scratch.length;
  }
  for (let place = 0; place < members.length; place += 1) {
    if ((seen & (1 << place)) === 0) {
      isInOrder &&= members[place]?.isExpected !== true;
      putAbsent(out, members[place]);
    } else putRange(out, scratch.buffer, from[place] ?? 0, to[place] ?? 0);
  }
  // The next one will be as this one is.
  form.comesInOrder = isInOrder;
}

function putAbsent(out: ByteSink, member: Member | undefined): void {
  if (member?.putAbsent === undefined) throw uncertain;
  member.putAbsent(out);
}

/** Below this the number of items is one byte. */
const itemsMax = 63;

/** Reads an array of objects and appends it in Avro: one block, and the end. */
export function putList(out: ByteSink, scanner: JsonScanner, form: ObjectForm, most: number): void {
  openValue(scanner, openArray);
  const start = out.length;
  putByte(out, 0);
  let count = 0;
  while (hasNext(scanner, count, closeArray)) {
    if (count >= most || count >= itemsMax || out.length > eventBytesMax) throw uncertain;
    putObject(out, scanner, form);
    count += 1;
  }
  if (count === 0) return;
  out.buffer[start] = count * 2;
  putByte(out, 0);
}
