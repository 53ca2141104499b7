import { eventually } from '@docket/testkit';

export interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

export interface EventStream {
  readonly status: number;
  readonly headers: Headers;
  /** What came so far. */
  readonly messages: readonly Message[];
  readonly text: () => string;
  /** Events only. */
  readonly actions: () => string[];
  /** How it ended; null while it is open. */
  readonly end: () => 'clean' | 'broken' | null;
  /** Waits for the end. */
  ended(): Promise<'clean' | 'broken'>;
  close(): void;
}

/** Opens a stream of server-sent events and reads it as a browser does (WHATWG HTML §9.2.6). */
export async function openEventStream(url: string, headers: Readonly<Record<string, string>>): Promise<EventStream> {
  const controller = new AbortController();
  const response = await fetch(url, { headers, signal: controller.signal });
  const messages: Message[] = [];
  let [text, rest, id] = ['', '', ''];
  let end: 'clean' | 'broken' | null = null;
  const take = (part: string): void => {
    text += part;
    rest += part;
    for (let at = rest.indexOf('\n\n'); at >= 0; at = rest.indexOf('\n\n')) {
      const lines = rest.slice(0, at).split('\n');
      rest = rest.slice(at + 2);
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      id = field('id') ?? id;
      const data = field('data');
      // The tests' own reading of a message.
      if (data !== undefined)
        messages.push({ id, event: field('event') ?? 'message', data: JSON.parse(data) as Message['data'] });
    }
  };
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) take(decoder.decode(chunk, { stream: true }));
  };
  void read().then(
    () => (end = 'clean'),
    () => (end = 'broken'),
  );
  return {
    status: response.status,
    headers: response.headers,
    messages,
    text: () => text,
    actions: () => messages.filter(({ event }) => event === 'message').map(({ data }) => String(data['action'])),
    end: () => end,
    ended: () => eventually(() => end, { what: 'the end of the stream' }),
    close: () => controller.abort(),
  };
}
