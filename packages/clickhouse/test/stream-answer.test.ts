import { Readable } from 'node:stream';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { beginningOf, checkedBytes } from '../src/stream-answer.ts';

const tag = 'abcdefghijklmnop';
const message = 'Code: 395. DB::Exception: SECRET. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)';
const failure = `\r\n__exception__\r\n${tag}\r\n${message}\n${message.length} ${tag}\r\n__exception__\r\n`;

/** The bytes cut at these places, as a network cuts them. */
function cut(text: string, at: readonly number[]): Readable {
  const bytes = Buffer.from(text);
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return Readable.from(places.slice(1).map((end, index) => bytes.subarray(places[index], end)));
}

async function taken(stream: Readable): Promise<{ text: string; error: unknown }> {
  let text = '';
  try {
    for await (const bytes of checkedBytes(stream, tag)) text += bytes.toString('latin1');
    return { text, error: null };
  } catch (error) {
    return { text, error };
  }
}

const cuts = fc.array(fc.nat(10_000), { maxLength: 12 });

test('gives all bytes of a whole answer, however it is cut, also those that only look like the mark', async () => {
  const body = fc.string().map((text) => `${text}\r\n__exception__\r\nabc${text}\r\n__exception__\r\n`);
  await fc.assert(
    fc.asyncProperty(body, cuts, async (text, at) => {
      const expected = Buffer.from(text).toString('latin1');
      expect(await taken(cut(text, at))).toEqual({ text: expected, error: null });
    }),
  );
});

test('an answer that fails midway throws, however it is cut, and gives nothing of the message', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), cuts, async (rows, at) => {
      const { text, error } = await taken(cut(`${rows}${failure}`, at));
      expect(error).toMatchObject({ name: 'ClickHouseError' });
      expect(Buffer.from(rows).toString('latin1').startsWith(text)).toBe(true);
    }),
  );
});

test('the code of the failure is the one that ClickHouse names', async () => {
  expect((await taken(cut(`row\n${failure}`, []))).error).toMatchObject({ code: 395, reason: 'refused' });
});

test('a connection that breaks is no end', async () => {
  const stream = Readable.from(
    (async function* () {
      yield Buffer.from('row\n');
      await Promise.resolve();
      throw new Error('aborted');
    })(),
  );
  expect(await taken(stream)).toMatchObject({ error: { name: 'ClickHouseError', code: 0, reason: 'unavailable' } });
});

test('what is taken is asked for piece by piece, and whether a whole row came before: a line, or what its format says', async () => {
  const asked = async (pieces: readonly string[], hasRow?: (beginning: Buffer) => boolean) => {
    const said: boolean[] = [];
    const takes = (_bytes: number, isBehindRow: boolean): boolean => said.push(isBehindRow) < 4;
    const stream = Readable.from(pieces.map((piece) => Buffer.from(piece)));
    return [String(await beginningOf(stream, takes, hasRow)), said];
  };
  expect(await asked(['ab', 'c\nd', 'e', 'f'])).toEqual(['abc\nde', [false, false, true, true]]);
  expect(await asked(['a\n', 'b', 'c', 'd'], (beginning) => beginning.length > 2)).toEqual(['a\nbc', [false, false, true, true]]); // prettier-ignore
});
