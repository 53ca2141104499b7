import { goodEvent, postOf, type HostileRequest, type Victim } from './hostile-request.ts';

const json = 'Content-Type: application/json';
/** Of the headers 10 s, of the whole request 60 s; noticed within a second, and another to be cut off. */
const headersDeadlineMs = 13_000;
const requestDeadlineMs = 63_000;

/** What is wrong with HTTP itself: framing, headers, time. Behind each, where it can be, follows a good request that must not be read as one. */
export function badConnections(victim: Victim): HostileRequest[] {
  return [...smuggling(victim), ...floods(victim), ...slowness(victim)];
}

function smuggling(victim: Victim): HostileRequest[] {
  const good = goodEvent(victim);
  const second = postOf(victim, [json, `Content-Length: ${good.length}`], good);
  const badFraming = (name: string, headers: readonly string[], body: string | Buffer = second): HostileRequest => ({
    name,
    request: { chunks: [postOf(victim, [json, ...headers], body)] },
    status: 400,
    code: 'invalid_request',
    closes: true,
  });
  const chunked = 'Transfer-Encoding: chunked';
  const raw = (name: string, bytes: string): HostileRequest => ({
    name,
    request: { chunks: [Buffer.from(bytes, 'latin1'), second] },
    status: 400,
    code: 'invalid_request',
    closes: true,
  });
  return [
    badFraming(
      'both length and chunked',
      [`Content-Length: ${second.length}`, chunked],
      `0\r\n\r\n${second.toString()}`,
    ),
    badFraming('chunked and length', [chunked, 'Content-Length: 4'], `0\r\n\r\n${second.toString()}`),
    badFraming('two lengths', ['Content-Length: 0', `Content-Length: ${second.length}`]),
    badFraming('two equal lengths', ['Content-Length: 2', 'Content-Length: 2'], `{}${second.toString()}`),
    badFraming('a list of lengths', ['Content-Length: 0, 0']),
    badFraming('a signed length', ['Content-Length: +0']),
    badFraming('a length in hex', ['Content-Length: 0x0']),
    badFraming('a negative length', ['Content-Length: -1']),
    badFraming('a length beyond 2^64', [`Content-Length: ${'9'.repeat(30)}`]),
    badFraming('an unknown coding', ['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${second.toString()}`),
    badFraming('chunked twice', [chunked, chunked], `0\r\n\r\n${second.toString()}`),
    badFraming('a space before the colon', ['Transfer-Encoding : chunked'], `0\r\n\r\n${second.toString()}`),
    badFraming('a folded header', ['X: a\r\n chunked', 'Content-Length: 0']),
    badFraming('a NUL in a header', ['X: a\0b', 'Content-Length: 0']),
    badFraming('a bare CR in a header', ['X: a\rContent-Length: 0', 'Content-Length: 0']),
    badFraming('a chunk of wrong size', [chunked], `5\r\n${good}\r\n0\r\n\r\n${second.toString()}`),
    badFraming('a chunk size beyond 2^64', [chunked], `${'F'.repeat(17)}\r\n${good}`),
    badFraming('a negative chunk', [chunked], `-1\r\n${good}`),
    badFraming('a flood of chunk extensions', [chunked], `2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
    badFraming('two Hosts', ['Host: elsewhere', 'Connection: close', 'Content-Length: 0'], ''),
    raw('no Host', `POST /v1/events HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`),
    raw('an unknown version', 'POST /v1/events HTTP/9.9\r\nHost: g\r\nContent-Length: 0\r\n\r\n'),
    raw('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    raw('the hello of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
    raw('lines that end with LF', 'POST /v1/events HTTP/1.1\nHost: g\nContent-Length: 0\n\n'),
    raw('an unknown method', 'SMUGGLE /v1/events HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n'),
    {
      ...badFraming('a body that breaks off', [`Content-Length: ${good.length + 1}`], good),
      request: { chunks: [postOf(victim, [json, `Content-Length: ${good.length + 1}`], good)], endsEarly: true },
    },
    {
      ...raw('a tunnel', 'CONNECT gateway:8080 HTTP/1.1\r\nHost: g\r\n\r\n'),
      status: 405,
      code: 'method_not_allowed',
    },
  ];
}

function floods(victim: Victim): HostileRequest[] {
  const good = goodEvent(victim);
  const bad = JSON.stringify({ tenant_id: victim.tenantId, action: 7 });
  const pipelined = postOf(victim, [json, `Content-Length: ${bad.length}`], bad);
  const tooLargeHeaders = { status: 431, code: 'headers_too_large', closes: true };
  return [
    {
      name: 'a header of 1 MiB',
      request: { chunks: [postOf(victim, [`X: ${'x'.repeat(1024 * 1024)}`, 'Content-Length: 0'], '')] },
      ...tooLargeHeaders,
    },
    {
      name: '20,000 headers',
      request: {
        chunks: [
          postOf(
            victim,
            Array.from({ length: 20_000 }, (_, n) => `X${n}: x`),
            '',
          ),
        ],
      },
      ...tooLargeHeaders,
    },
    {
      name: 'a path of 1 MiB',
      request: { chunks: [`POST /${'p'.repeat(1024 * 1024)} HTTP/1.1\r\nHost: g\r\n\r\n`] },
      ...tooLargeHeaders,
    },
    {
      name: 'a flood of trailers',
      request: {
        chunks: [
          postOf(
            victim,
            [json, 'Transfer-Encoding: chunked'],
            `2\r\n{}\r\n0\r\n${Array.from({ length: 20_000 }, (_, n) => `X${n}: x\r\n`).join('')}\r\n`,
          ),
        ],
      },
      ...tooLargeHeaders,
    },
    {
      name: 'an endless chunked body',
      request: {
        chunks: [
          postOf(victim, [json, 'Transfer-Encoding: chunked'], ''),
          ...Array.from({ length: 176 }, () => `10000\r\n${' '.repeat(65_536)}\r\n`),
        ],
      },
      status: 413,
      code: 'body_too_large',
      closes: true,
    },
    {
      name: '1,000 bad requests in a row',
      request: { chunks: [Buffer.concat(Array.from({ length: 1_000 }, () => pipelined))] },
      status: 422,
      code: 'invalid_event',
      answers: 1_000,
      withinMs: 15_000,
    },
    {
      name: 'a good request behind a bad one on a closing connection',
      request: {
        chunks: [
          postOf(victim, [json, 'Connection: close', `Content-Length: ${bad.length}`], bad),
          postOf(victim, [json, `Content-Length: ${good.length}`], good),
        ],
      },
      status: 422,
      code: 'invalid_event',
      closes: true,
    },
  ];
}

function slowness(victim: Victim): HostileRequest[] {
  return [
    {
      name: 'a header a second, for ever',
      request: {
        chunks: ['POST /v1/events HTTP/1.1\r\nHost: gateway\r\n'],
        drip: { text: 'X: x\r\n', everyMs: 1_000 },
      },
      status: 408,
      code: 'request_timeout',
      closes: true,
      withinMs: headersDeadlineMs,
    },
    {
      name: 'a byte of a body a second, for ever',
      request: {
        chunks: [postOf(victim, [json, 'Content-Length: 1000'], '{')],
        drip: { text: ' ', everyMs: 1_000 },
      },
      status: 408,
      code: 'request_timeout',
      closes: true,
      withinMs: requestDeadlineMs,
    },
    {
      name: 'no body at all',
      request: { chunks: [postOf(victim, [json, 'Content-Length: 1000'], '')], isSilent: true },
      status: 408,
      code: 'request_timeout',
      closes: true,
      withinMs: requestDeadlineMs,
    },
  ];
}
